//! How each command plays out as a stream of events.

use std::time::Duration;

use a2a::{StreamResponse, TaskState};
use futures::StreamExt;
use futures::stream::{self, Stream};
use tokio::time::MissedTickBehavior;

use super::Events;
use super::chunk::{ARTIFACT_ID, Chunk};
use super::command::{Command, Misuse};
use super::events::{Place, Turn};

/// Plays a command on a new task.
pub(crate) fn play(command: Command, turn: Turn) -> Events {
    match command {
        Command::Echo(text) => completed_with(turn, "echo", text),
        Command::Stream { chunks, gap } => streamed(turn, chunks, gap),
        Command::Ask => at_once([turn.status(TaskState::InputRequired, "What shall the artifact say?")]),
        Command::Wait(time) => waited(turn, time),
        Command::Fail => at_once([turn.status(TaskState::Failed, "Failed on request.")]),
        Command::Message(text) => at_once([turn.message(&text)]),
        Command::Big { bytes } => completed_with(turn, "big", "x".repeat(bytes)),
    }
}

/// Completes a parked task with the text that was asked for.
pub(crate) fn answered(turn: Turn, text: String) -> Events {
    completed_with(turn, "answer", text)
}

/// Rejects a task whose command cannot be understood.
pub(crate) fn refused(turn: Turn, misuse: &Misuse) -> Events {
    at_once([turn.status(TaskState::Rejected, &misuse.to_string())])
}

fn completed_with(turn: Turn, artifact_id: &str, text: String) -> Events {
    at_once([turn.artifact(artifact_id, text, Place::Whole), turn.status(TaskState::Completed, "")])
}

fn waited(turn: Turn, time: Duration) -> Events {
    let working = turn.status(TaskState::Working, "");
    let finish = async move {
        tokio::time::sleep(time).await;
        turn.status(TaskState::Completed, "")
    };
    stream::iter([working]).chain(stream::once(finish)).map(Ok).boxed()
}

fn streamed(turn: Turn, count: u32, gap: Duration) -> Events {
    let working = turn.status(TaskState::Working, "");
    let completed = turn.status(TaskState::Completed, "");
    stream::iter([working]).chain(chunks(turn, count, gap)).chain(stream::iter([completed])).map(Ok).boxed()
}

fn chunks(turn: Turn, count: u32, gap: Duration) -> impl Stream<Item = StreamResponse> {
    // An interval, unlike a sleep, does not add the time that each commit takes to the gap; its period cannot be 0.
    let pace = (!gap.is_zero()).then(|| {
        let mut pace = tokio::time::interval(gap);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pace
    });
    stream::unfold((turn, pace, 1), move |(turn, mut pace, number)| async move {
        if number > count {
            return None;
        }
        match &mut pace {
            Some(pace) => drop(pace.tick().await),
            None => tokio::task::yield_now().await,
        }
        let text = Chunk { number, made: turn.ambient.now() }.encode();
        let place = Place::Of { first: number == 1, last: number == count };
        Some((turn.artifact(ARTIFACT_ID, text, place), (turn, pace, number + 1)))
    })
}

fn at_once<const N: usize>(events: [StreamResponse; N]) -> Events {
    stream::iter(events.map(Ok)).boxed()
}
