//! What the agent of all contenders does: it plays the script that the message's text names.

use std::time::Duration;

use a2a_core::{Env, SystemEnv};
use futures::stream::{self, BoxStream, Stream, StreamExt};
use tokio::sync::watch;

/// The size of a chunk's text.
const CHUNK_BYTES: usize = 120;
/// Marks the text of a chunk; between two of them stands when it was made, in nanoseconds since 1970.
pub(crate) const MARK: u8 = b'@';

/// One thing that the agent says.
#[derive(Debug)]
pub(crate) enum Said {
    Working,
    /// A part of the one artifact.
    Chunk {
        text: String,
        first: bool,
        last: bool,
    },
    Completed,
}

/// Turns from false to true when agents that wait for it may go on.
pub(crate) type Go = watch::Receiver<bool>;

/// Plays a script: `short`, `echo`, `burst N`, `yield N`, `timed N MICROSECONDS` (once it may go on), or `wait`.
pub(crate) fn play(script: &str, mut go: Go) -> BoxStream<'static, Said> {
    let mut words = script.split_ascii_whitespace();
    let name = words.next().unwrap_or_default();
    let mut number = || words.next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(1);
    let begin = stream::iter([Said::Working]);
    match name {
        "echo" => stream::iter([chunk(0, 1), Said::Completed]).boxed(),
        "wait" => begin.chain(stream::pending()).boxed(),
        "yield" => {
            let chunks = chunks(number()).then(async |said| {
                tokio::task::yield_now().await;
                said.say()
            });
            begin.chain(chunks).chain(end()).boxed()
        }
        "timed" => {
            let (count, gap) = (number(), Duration::from_micros(number()));
            let started = stream::once(async move {
                let _ = go.wait_for(|go| *go).await;
                tokio::time::interval(gap)
            });
            let chunks = started.flat_map(move |interval| {
                stream::unfold((interval, chunks(count)), |(mut interval, mut left)| async {
                    interval.tick().await;
                    let said = left.next().await?;
                    Some((said.say(), (interval, left)))
                })
            });
            begin.chain(chunks).chain(end()).boxed()
        }
        "burst" => begin.chain(chunks(number()).map(Unsaid::say)).chain(end()).boxed(),
        _ => stream::iter([Said::Working, chunk(0, 1), Said::Completed]).boxed(),
    }
}

/// A chunk that gets its time when it is said.
#[derive(Debug, Clone, Copy)]
struct Unsaid {
    number: u64,
    count: u64,
}

impl Unsaid {
    fn say(self) -> Said {
        chunk(self.number, self.count)
    }
}

fn chunks(count: u64) -> impl Stream<Item = Unsaid> + Send + Unpin {
    stream::iter((0..count).map(move |number| Unsaid { number, count }))
}

fn end() -> impl Stream<Item = Said> + Send {
    stream::iter([Said::Completed])
}

fn chunk(number: u64, count: u64) -> Said {
    let text = format!("@{:019}@{:.<pad$}", now(), "", pad = CHUNK_BYTES - 21);
    Said::Chunk { text, first: number == 0, last: number + 1 == count }
}

/// The wall clock in nanoseconds: it is the same in all processes of a machine.
pub(crate) fn now() -> i64 {
    SystemEnv.now().timestamp_nanos_opt().unwrap_or_default()
}
