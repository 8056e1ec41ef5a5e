//! How each command plays out as a stream of events.

use std::time::Duration;

use a2a::{StreamResponse, Task, TaskState};
use futures::StreamExt;
use futures::stream::{self, Stream};
use tokio::time::MissedTickBehavior;

use super::Events;
use super::chunk::{ARTIFACT_ID, Chunk};
use super::command::{Command, Misuse};
use super::events::{Place, Turn};

/// What an earlier run of the same turn left on the task, before its server was lost.
#[derive(Debug, Clone, Default)]
pub(crate) struct Begun {
    /// It said that it works.
    working: bool,
    /// The artifacts that it made, with the number of their parts.
    artifacts: Vec<(String, usize)>,
}

impl Begun {
    /// Sees how far a task got.
    pub(crate) fn on(task: &Task) -> Self {
        let artifacts = task.artifacts.iter().flatten();
        Self {
            working: task.status.state == TaskState::Working,
            artifacts: artifacts.map(|made| (made.artifact_id.clone(), made.parts.len())).collect(),
        }
    }

    fn parts_of(&self, artifact_id: &str) -> usize {
        self.artifacts.iter().find(|(id, _)| id == artifact_id).map_or(0, |(_, parts)| *parts)
    }

    /// Says that the task is being worked on, unless that was said.
    fn working(&self, turn: &Turn) -> impl Stream<Item = StreamResponse> + use<> {
        stream::iter((!self.working).then(|| turn.status(TaskState::Working, "")))
    }
}

/// Plays a command, from where an earlier run left off: nothing is said twice, and nothing is left out.
pub(crate) fn play(command: Command, turn: Turn, begun: &Begun) -> Events {
    match command {
        Command::Echo(text) => completed_with(turn, begun, "echo", text),
        Command::Stream { chunks, gap } => streamed(turn, begun, chunks, gap),
        Command::Ask => at_once([turn.status(TaskState::InputRequired, "What shall the artifact say?")]),
        Command::Wait(time) => waited(turn, begun, time),
        Command::Fail => at_once([turn.status(TaskState::Failed, "Failed on request.")]),
        Command::Message(text) => at_once([turn.message(&text)]),
        Command::Big { bytes } => completed_with(turn, begun, "big", "x".repeat(bytes)),
    }
}

/// Completes a parked task with the text that was asked for.
pub(crate) fn answered(turn: Turn, text: String, begun: &Begun) -> Events {
    completed_with(turn, begun, "answer", text)
}

/// Rejects a task whose command cannot be understood.
pub(crate) fn refused(turn: Turn, misuse: &Misuse) -> Events {
    at_once([turn.status(TaskState::Rejected, &misuse.to_string())])
}

fn completed_with(turn: Turn, begun: &Begun, artifact_id: &str, text: String) -> Events {
    let is_new = begun.parts_of(artifact_id) == 0;
    let artifact = is_new.then(|| turn.artifact(artifact_id, text, Place::Whole));
    stream::iter(artifact.into_iter().chain([turn.status(TaskState::Completed, "")])).map(Ok).boxed()
}

fn waited(turn: Turn, begun: &Begun, time: Duration) -> Events {
    let working = begun.working(&turn);
    let finish = async move {
        tokio::time::sleep(time).await;
        turn.status(TaskState::Completed, "")
    };
    working.chain(stream::once(finish)).map(Ok).boxed()
}

fn streamed(turn: Turn, begun: &Begun, count: u32, gap: Duration) -> Events {
    let working = begun.working(&turn);
    let completed = turn.status(TaskState::Completed, "");
    let next = u32::try_from(begun.parts_of(ARTIFACT_ID)).unwrap_or(u32::MAX).saturating_add(1);
    working.chain(chunks(turn, next, count, gap)).chain(stream::iter([completed])).map(Ok).boxed()
}

fn chunks(turn: Turn, next: u32, count: u32, gap: Duration) -> impl Stream<Item = StreamResponse> {
    // An interval, unlike a sleep, does not add the time that each commit takes to the gap; its period cannot be 0.
    let pace = (!gap.is_zero()).then(|| {
        let mut pace = tokio::time::interval(gap);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pace
    });
    stream::unfold((turn, pace, next), move |(turn, mut pace, number)| async move {
        if number > count {
            return None;
        }
        match &mut pace {
            Some(pace) => drop(pace.tick().await),
            None => tokio::task::yield_now().await,
        }
        let text = Chunk { number, made: turn.env.now() }.encode();
        let place = Place::Of { first: number == 1, last: number == count };
        Some((turn.artifact(ARTIFACT_ID, text, place), (turn, pace, number + 1)))
    })
}

fn at_once<const N: usize>(events: [StreamResponse; N]) -> Events {
    stream::iter(events.map(Ok)).boxed()
}
