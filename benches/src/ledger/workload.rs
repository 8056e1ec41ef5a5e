//! What is played, with how many instances watching, and what that was billed.

use std::time::Duration;

use a2a::StreamResponse;
use a2a_node::meter::Bill;
use a2a_server::{RequestHandler, ServiceParams};
use a2a_testkit::agent::{Latches, Played, Said, Script, Speaker, Text, play};
use futures::future::try_join_all;
use futures::{FutureExt, StreamExt};

use super::fleet::Fleet;
use crate::Error;
use crate::hearing::{begin, join, read, request};

/// What a chunk says.
const CHUNK: Text = Text::Prose(120);

/// Tasks of one kind, one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Workload {
    pub(super) name: &'static str,
    kind: Kind,
    pub(super) tasks: usize,
    chunks: usize,
    gap: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Streaming,
    Blocking,
}

/// What a workload was billed.
#[derive(Debug)]
pub(super) struct Counted {
    /// How many events its agents said.
    pub(super) events: usize,
    pub(super) bill: Bill,
}

impl Workload {
    /// Those of the comparison, as far as they make sense for a bill; and one whose agent is as slow as a model.
    pub(super) fn all(quick: bool) -> Vec<Self> {
        let some = |count: usize| if quick { count.div_ceil(4) } else { count };
        let streaming = |name, tasks, chunks, gap| Workload {
            name,
            kind: Kind::Streaming,
            tasks: some(tasks),
            chunks,
            gap: Duration::from_millis(gap),
        };
        let mut all = vec![
            streaming("short task, 3 events", 20, 1, 0),
            streaming("500 chunks", 4, 500, 0),
            streaming("5,000 chunks", 1, 5_000, 0),
            streaming("200 chunks, one each 20 ms", 1, 200, 20),
            Workload { kind: Kind::Blocking, ..streaming("blocking echo, 2 events", 20, 1, 0) },
        ];
        all.retain(|workload| !quick || workload.chunks < 5_000);
        all
    }

    /// Short tasks with a stream, few enough for a test.
    #[cfg(test)]
    pub(super) fn short(tasks: usize) -> Self {
        Workload { name: "short", kind: Kind::Streaming, tasks, chunks: 1, gap: Duration::ZERO }
    }

    /// One stream of so many chunks.
    #[cfg(test)]
    pub(super) fn stream(chunks: usize, gap: Duration) -> Self {
        Workload { name: "stream", kind: Kind::Streaming, tasks: 1, chunks, gap }
    }

    pub(super) fn is_blocking(&self) -> bool {
        self.kind == Kind::Blocking
    }

    /// What the agent does on each task, once the latch is open, if it waits at one.
    fn script(&self, latch: Option<&str>) -> Script {
        let script = if self.is_blocking() { Script::new() } else { Script::new().work() };
        let script = latch.map_or(script.clone(), |latch| script.latch(latch));
        let script = if self.gap.is_zero() {
            script.burst(self.chunks, CHUNK)
        } else {
            script.talk(self.chunks, self.gap, CHUNK)
        };
        script.done()
    }

    /// All that the agent says on a task.
    pub(super) fn events(&self, task: &str, context: &str) -> Vec<StreamResponse> {
        let speaker = Speaker::new(task, context);
        let at_once = Workload { gap: Duration::ZERO, ..*self }.script(None).into_steps();
        let said = play(at_once, Latches::default(), Played::default());
        let said: Vec<Said> = said.collect().now_or_never().unwrap_or_default();
        said.into_iter().filter_map(|said| speaker.event(said).ok()).collect()
    }

    /// Plays it on the first instance, with streams on so many of the others.
    pub(super) async fn count(&self, fleet: &Fleet, watchers: usize) -> Result<Counted, Error> {
        let before = fleet.bill();
        for _ in 0..self.tasks {
            match self.kind {
                Kind::Streaming => self.stream_one(fleet, watchers).await?,
                Kind::Blocking => {
                    let request = request(&self.script(None).to_string());
                    fleet.handler(0)?.send_message(&ServiceParams::new(), request).await?;
                }
            }
        }
        fleet.quiet().await;
        let events = self.events("", "").len() * self.tasks;
        Ok(Counted { events, bill: fleet.bill().since(&before) })
    }

    async fn stream_one(&self, fleet: &Fleet, watchers: usize) -> Result<(), Error> {
        let latch = fleet.latch();
        if watchers == 0 {
            fleet.open(&latch);
        }
        let (task, own) = begin(fleet.handler(0)?.as_ref(), &self.script(Some(&latch)).to_string()).await?;
        let watch = async |number: usize| join(fleet.handler(number)?.as_ref(), &task).await;
        let streams = try_join_all((1..=watchers.min(fleet.size() - 1)).map(watch)).await?;
        fleet.open(&latch);
        try_join_all(streams.into_iter().chain([own]).map(read)).await?;
        Ok(())
    }
}
