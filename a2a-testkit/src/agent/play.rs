//! Takes the steps of a script, one after the other, and says what they say.

use std::collections::VecDeque;
use std::time::Duration;

use a2a::{A2AError, Part, TaskState};
use futures::stream::{self, Stream};
use serde_json::{Value, json};
use tokio::time::{Interval, sleep};

use super::latches::Latches;
use super::script::Step;
use super::text::Text;

const TOLD: &str = "the agent panics, as it was told";

/// One thing that an agent says, of whatever task.
#[derive(Debug)]
pub enum Said {
    /// The task is in this state.
    State(TaskState),
    /// More of the one artifact.
    Chunk {
        /// What is added.
        part: Part,
        /// Whether nothing was added before.
        first: bool,
        /// Whether nothing more will be.
        last: bool,
    },
    /// The whole task, whose artifact has these parts.
    Task(Vec<Part>),
    /// A bare message.
    Message(Part),
    /// A state of a task that is another's.
    Stray,
    /// It does not cancel.
    Refusal,
    /// It fails.
    Error(A2AError),
}

/// What there is before a turn begins.
#[derive(Debug, Clone, Default)]
pub struct Played {
    /// How many parts the artifact has.
    pub parts: usize,
    /// What the agent knows of its caller and its turn.
    pub knows: String,
    /// Whether another attempt at this turn came before.
    pub resumed: bool,
}

/// Takes the steps of a turn.
pub fn play(steps: Vec<Step>, latches: Latches, played: Played) -> impl Stream<Item = Said> + Send + use<> {
    assert!(steps.first() != Some(&Step::PanicInCall), "{TOLD}");
    let turn = Turn { steps: steps.into(), chunks: None, number: 0, latches, played, bomb: None };
    stream::unfold(Box::new(turn), async |mut turn| {
        let said = turn.next().await?;
        Some((said, turn))
    })
}

struct Turn {
    steps: VecDeque<Step>,
    /// What is left of the step that adds chunks.
    chunks: Option<Chunks>,
    /// The number of the next chunk.
    number: usize,
    latches: Latches,
    played: Played,
    bomb: Option<Bomb>,
}

struct Chunks {
    /// How many are left; `None` is for ever.
    left: Option<usize>,
    pace: Pace,
    text: Text,
}

enum Pace {
    None,
    Yield,
    Pause(Duration),
    Clock(Interval),
}

impl Pace {
    fn of(pause: Duration) -> Self {
        if pause.is_zero() { Pace::Yield } else { Pace::Pause(pause) }
    }

    async fn wait(&mut self) {
        match self {
            Pace::None => {}
            Pace::Yield => tokio::task::yield_now().await,
            Pace::Pause(pause) => sleep(*pause).await,
            Pace::Clock(interval) => drop(interval.tick().await),
        }
    }
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "the agent panics when it is dropped, as it was told");
    }
}

impl Turn {
    async fn next(&mut self) -> Option<Said> {
        loop {
            if let Some(said) = self.next_chunk().await {
                return Some(said);
            }
            match self.steps.pop_front()? {
                Step::Show(state) => return Some(Said::State(state)),
                Step::Say(text) => return Some(self.add(Part::text(text), true)),
                Step::Data(depth) => return Some(self.add(Part::data(nested(depth)), true)),
                Step::Who => {
                    let knows = self.played.knows.clone();
                    return Some(self.add(Part::text(knows), true));
                }
                Step::Burst { chunks, text } => self.begin(Some(chunks), Pace::None, text),
                Step::Talk { chunks, pause, text } => self.begin(chunks, Pace::of(pause), text),
                Step::Tick { chunks, every, text } => {
                    self.begin(Some(chunks), Pace::Clock(tokio::time::interval(every)), text);
                }
                Step::Count { from, to, pause } => {
                    self.number = from.max(self.played.parts);
                    let pace = if pause.is_zero() { Pace::None } else { Pace::Pause(pause) };
                    self.begin(Some(to.saturating_sub(self.number)), pace, Text::Number(0));
                }
                Step::ShowTask { times, pause } => {
                    if times > 1 {
                        self.steps.push_front(Step::ShowTask { times: times - 1, pause });
                    }
                    sleep(pause).await;
                    self.number += 1;
                    let parts = (0..self.number).map(|number| Part::text(number.to_string()));
                    return Some(Said::Task(parts.collect()));
                }
                Step::Message(text) => return Some(Said::Message(Part::text(text))),
                Step::Deep(depth) => return Some(Said::Message(Part::data(nested(depth)))),
                Step::Stray => return Some(Said::Stray),
                Step::Sleep(time) => sleep(time).await,
                Step::Hang => std::future::pending().await,
                Step::Latch(name) => self.latches.pass(&name).await,
                Step::Block(time) => std::thread::sleep(time),
                Step::BlockOnce(time) if !self.played.resumed => std::thread::sleep(time),
                Step::BlockAgain(time) if self.played.resumed => std::thread::sleep(time),
                Step::BlockOnce(_) | Step::BlockAgain(_) => {}
                Step::BlockAt(name) => self.latches.block_at(&name),
                Step::Panic(text) if text.is_empty() => panic!("{TOLD}"),
                Step::Panic(text) => panic!("{text}"),
                Step::PanicInCall => panic!("{TOLD}"),
                Step::PanicNastily => std::panic::panic_any(Bomb),
                Step::Bomb => self.bomb = Some(Bomb),
                Step::Error(text) => return Some(Said::Error(A2AError::internal(text))),
                Step::Unsupported(text) => return Some(Said::Error(A2AError::unsupported_operation(text))),
                Step::Refuse => return Some(Said::Refusal),
            }
        }
    }

    fn begin(&mut self, left: Option<usize>, pace: Pace, text: Text) {
        self.chunks = Some(Chunks { left, pace, text });
    }

    async fn next_chunk(&mut self) -> Option<Said> {
        let chunks = self.chunks.as_mut()?;
        if chunks.left == Some(0) {
            self.chunks = None;
            return None;
        }
        chunks.pace.wait().await;
        chunks.left = chunks.left.map(|left| left - 1);
        let is_last = chunks.left == Some(0);
        let part = Part::text(chunks.text.of(self.number));
        self.number += 1;
        Some(self.add(part, is_last))
    }

    /// Adds to the artifact, for the last time unless a later step does.
    fn add(&mut self, part: Part, is_last: bool) -> Said {
        let first = self.played.parts == 0;
        self.played.parts += 1;
        Said::Chunk { part, first, last: is_last && !self.steps.iter().any(Step::says) }
    }
}

/// Data that is nested so deep.
fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |value, _| json!([value]))
}
