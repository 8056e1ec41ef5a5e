//! What every agent said, turn by turn: the log is compared with it.
//!
//! Whatever an agent says carries the number of its turn, so that the log tells who was heard.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use a2a::{A2AError, Message, StreamResponse, TaskState};
use a2a_core::reduce;
use a2a_server::{AgentExecutor, ExecutorContext};
use a2a_testkit::ScriptedAgent;
use futures::Stream;
use futures::stream::{BoxStream, StreamExt};
use serde_json::Value;

use crate::freezer::Freezer;

type Said = Result<StreamResponse, A2AError>;

/// The key under which events carry their turn's number.
const TURN: &str = "turn";

/// One call of an agent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turn {
    pub(crate) task: String,
    /// What the caller said.
    pub(crate) text: String,
    /// Whether it was asked to cancel.
    pub(crate) cancels: bool,
    /// What it said that carries its number.
    pub(crate) said: Vec<StreamResponse>,
    pub(crate) end: End,
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum End {
    /// It was dropped, or goes on.
    #[default]
    Cut,
    /// The agent said all that it had to say.
    Silent,
    /// The agent failed or panicked.
    Failed,
}

impl Turn {
    /// Whether a task fails whose agent did this.
    pub(crate) fn fails(&self) -> bool {
        let last = self.said.iter().rev().find_map(reduce::state_of);
        match self.end {
            End::Failed => true,
            End::Silent => last.is_none_or(|state| *state == TaskState::Failed || !reduce::ends_turn(state)),
            End::Cut => last == Some(&TaskState::Failed),
        }
    }
}

/// The turns of all agents of a simulation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record(Arc<Mutex<Vec<Turn>>>);

impl Record {
    /// All turns, by their numbers.
    pub(crate) fn turns(&self) -> Vec<Turn> {
        self.0.lock().unwrap().clone()
    }

    fn begin(&self, ctx: &ExecutorContext, cancels: bool) -> usize {
        let mut turns = self.0.lock().unwrap();
        let text = ctx.message.as_ref().and_then(Message::text).unwrap_or_default().to_owned();
        turns.push(Turn { task: ctx.task_id.clone(), text, cancels, ..Turn::default() });
        turns.len() - 1
    }

    fn change(&self, turn: usize, change: impl FnOnce(&mut Turn)) {
        change(&mut self.0.lock().unwrap()[turn]);
    }
}

/// The number of the turn in which an agent said this.
pub(crate) fn turn_of(event: &StreamResponse) -> Option<usize> {
    let metadata = match event {
        StreamResponse::StatusUpdate(update) => &update.metadata,
        StreamResponse::ArtifactUpdate(update) => &update.metadata,
        StreamResponse::Task(_) | StreamResponse::Message(_) => return None,
    };
    usize::try_from(metadata.as_ref()?.get(TURN)?.as_u64()?).ok()
}

/// The scripted agent, on record. While the freezer is shut it says nothing.
#[derive(Debug)]
pub(crate) struct OnRecord {
    pub(crate) record: Record,
    pub(crate) freezer: Freezer,
}

impl OnRecord {
    fn call(
        &self,
        ctx: ExecutorContext,
        cancels: bool,
        call: impl FnOnce(ScriptedAgent, ExecutorContext) -> BoxStream<'static, Said>,
    ) -> BoxStream<'static, Said> {
        let turn = self.record.begin(&ctx, cancels);
        let freezer = self.freezer.clone();
        let mut recorded = Recorded { agent: None, turn, record: self.record.clone(), freezer };
        recorded.agent = Some(call(ScriptedAgent::default(), ctx));
        recorded.boxed()
    }
}

impl AgentExecutor for OnRecord {
    fn execute(&self, ctx: ExecutorContext) -> BoxStream<'static, Said> {
        self.call(ctx, false, |agent, ctx| agent.execute(ctx))
    }

    fn cancel(&self, ctx: ExecutorContext) -> BoxStream<'static, Said> {
        self.call(ctx, true, |agent, ctx| agent.cancel(ctx))
    }
}

/// One call's stream, on record.
struct Recorded {
    agent: Option<BoxStream<'static, Said>>,
    turn: usize,
    record: Record,
    freezer: Freezer,
}

impl Recorded {
    fn end(&self, end: End) {
        self.record.change(self.turn, |turn| turn.end = end);
    }

    /// Notes a panic that passes while this is held.
    fn guard(&self) -> Guard {
        Guard { record: self.record.clone(), turn: self.turn }
    }
}

impl Stream for Recorded {
    type Item = Said;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Said>> {
        ready!(self.freezer.poll_pass(cx));
        let _guard = self.guard();
        let turn = self.turn;
        let Some(agent) = &mut self.agent else { return Poll::Ready(None) };
        let mut said = ready!(agent.as_mut().poll_next(cx));
        match &mut said {
            None => self.end(End::Silent),
            Some(Err(_)) => self.end(End::Failed),
            Some(Ok(event)) => {
                if mark(event, turn) {
                    self.record.change(turn, |turn| turn.said.push(event.clone()));
                }
            }
        }
        Poll::Ready(said)
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        let _guard = self.guard();
        drop(self.agent.take());
    }
}

struct Guard {
    record: Record,
    turn: usize,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.record.change(self.turn, |turn| turn.end = End::Failed);
        }
    }
}

/// Lets an event carry its turn's number, where it can.
fn mark(event: &mut StreamResponse, turn: usize) -> bool {
    let metadata = match event {
        StreamResponse::StatusUpdate(update) => &mut update.metadata,
        StreamResponse::ArtifactUpdate(update) => &mut update.metadata,
        StreamResponse::Task(_) | StreamResponse::Message(_) => return false,
    };
    metadata.get_or_insert_with(Default::default).insert(TURN.to_owned(), Value::from(turn));
    true
}

/// The turns of one task, by their numbers.
pub(crate) fn turns_of<'a>(turns: &'a [Turn], task: &str) -> BTreeMap<usize, &'a Turn> {
    turns.iter().enumerate().filter(|(_, turn)| turn.task == task).collect()
}
