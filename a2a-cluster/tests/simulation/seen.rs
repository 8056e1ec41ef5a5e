//! What clients saw: streams, and tasks that were an answer.

use std::time::Duration;

use a2a::{A2AError, StreamResponse, error_code};
use a2a_cluster::{Position, PositionedEvents, resume, retry_after};
use a2a_core::reduce;
use a2a_testworld::world::key;
use futures::StreamExt;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::client::Client;
use crate::fleet::Node;

/// What one stream showed.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) client: usize,
    pub(crate) events: Vec<StreamResponse>,
    /// Where each event stands, as its stream says; an answer says nothing.
    pub(crate) positions: Vec<Option<Position>>,
    /// When it was opened.
    pub(crate) opened: Instant,
    /// When each event came; `None` where its reader was slow, or came back.
    pub(crate) at: Vec<Option<Instant>>,
    /// Where to go on, as the last event says.
    pub(crate) cursor: Option<String>,
    pub(crate) end: End,
    pub(crate) until: Until,
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The server ended it.
    Complete,
    /// The server ended it with an error, the connection broke, or the client left.
    Broken,
}

/// Where a stream is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// It is no stream, but an answer of that moment.
    Now,
    TurnEnds,
    TaskEnds,
}

impl Seen {
    pub(crate) fn new(client: usize, until: Until) -> Self {
        let opened = Instant::now();
        Seen {
            client,
            events: vec![],
            positions: vec![],
            opened,
            at: vec![],
            cursor: None,
            end: End::Broken,
            until,
        }
    }

    /// Shows an event, now. `is_prompt`: its reader waited for it.
    pub(crate) fn show(&mut self, event: StreamResponse, position: Option<Position>, is_prompt: bool) {
        self.events.push(event);
        self.positions.push(position);
        self.at.push(is_prompt.then(Instant::now));
    }
}

/// No weather lasts so long: a stream that says nothing for this time is parked, or broken.
const STALLED: Duration = Duration::from_secs(400);

impl Client {
    /// Reads a stream, quickly or slowly, to its end or until the client loses interest. Returns whether it broke, so
    /// that it may go on elsewhere.
    pub(crate) async fn read(
        &self,
        rng: &mut fastrand::Rng,
        node: &Node,
        mut events: PositionedEvents,
        about: Option<&str>,
        seen: &mut Seen,
    ) -> bool {
        let patience = if rng.u8(0..4) == 0 { rng.usize(1..20) } else { usize::MAX };
        let pause = Duration::from_millis(if rng.u8(0..4) == 0 { rng.u64(1..3_000) } else { 0 });
        let is_prompt = pause.is_zero() && seen.events.is_empty();
        seen.opened = Instant::now();
        seen.end = End::Broken;
        let parked = |event: &StreamResponse| reduce::state_of(event).is_some_and(reduce::is_interrupted);
        for _ in 0..patience {
            let next = tokio::select! {
                biased;
                () = node.gone.cancelled() => return true,
                next = timeout(STALLED, events.next()) => next,
            };
            match next {
                Err(_) => {
                    self.note(format_args!("loses patience with a stream on n{}", node.name));
                    self.stalls(node, seen);
                    return false;
                }
                Ok(Some(Ok(mut shown))) => {
                    seen.cursor = take_cursor(&mut shown.event).or(seen.cursor.take());
                    let in_log = !matches!(shown.event, StreamResponse::Message(_));
                    assert_eq!(shown.position.is_some(), in_log, "what a log has says where: {shown:?}");
                    seen.show(shown.event, shown.position, is_prompt);
                }
                Ok(Some(Err(error))) => {
                    let shown = seen.events.first().and_then(task_of);
                    return !self.judges(&error, about.or(shown.as_deref()));
                }
                Ok(None) => {
                    self.note(format_args!("read {} events on n{}", seen.events.len(), node.name));
                    seen.end = End::Complete;
                    return false;
                }
            }
            // A parked task may stay so; its stream is open as long as a client likes.
            if seen.until == Until::TaskEnds && seen.events.last().is_some_and(parked) && rng.bool() {
                return true;
            }
            if !pause.is_zero() {
                sleep(pause).await;
            }
        }
        true
    }

    /// Nothing came for longer than any weather lasts: the task must be there, and wait for its caller.
    fn stalls(&self, node: &Node, seen: &Seen) {
        let last = seen.events.iter().rev().find_map(reduce::state_of);
        let is_parked = last.is_some_and(reduce::is_interrupted);
        let shown = seen.events.first().and_then(task_of);
        let is_gone = shown.is_some_and(|task| self.fleet.archive.has_gone(Some(&task)));
        // Invariant 4: streams of tasks that end, end.
        assert!(
            is_parked && !is_gone,
            "client {}: a stream on n{} stalls (gone: {is_gone}) after {} events, the last one {:?}",
            self.n,
            node.name,
            seen.events.len(),
            seen.events.last()
        );
    }

    /// Whether asking again cannot help. What can be asked again is counted; what must not be said is red.
    pub(crate) fn judges(&self, error: &A2AError, about: Option<&str>) -> bool {
        let fleet = &self.fleet;
        if retry_after(error).is_some() {
            fleet.refusals.set(fleet.refusals.get() + 1);
            return false;
        }
        if error.code == error_code::TASK_NOT_FOUND {
            self.note(format_args!("is told that a task is absent: {about:?}"));
            let may_expire = fleet.terms.finished.is_some() && fleet.archive.is_over(about);
            assert!(
                fleet.archive.has_gone(about) || may_expire,
                "client {}: a task that is there looks absent: {about:?} {error:?}",
                self.n
            );
        }
        if error.code == error_code::INTERNAL_ERROR {
            let spoilt = fleet.spoilt.borrow();
            let is_spoilt = match about {
                Some(task) => spoilt.contains_key(&key(task)),
                None => !spoilt.is_empty(),
            };
            let is_agents = error.message == "no";
            let is_unknown = error.message.starts_with("it is not known") && !fleet.plan.calm;
            assert!(is_spoilt || is_agents || is_unknown, "client {}: {about:?} {error:?}", self.n);
        }
        true
    }
}

/// The task that an event is about.
fn task_of(event: &StreamResponse) -> Option<String> {
    match event {
        StreamResponse::Task(task) => Some(task.id.clone()),
        StreamResponse::StatusUpdate(update) => Some(update.task_id.clone()),
        StreamResponse::ArtifactUpdate(update) => Some(update.task_id.clone()),
        StreamResponse::Message(_) => None,
    }
}

/// Takes the cursor out of an event, which is then as the log has it.
fn take_cursor(event: &mut StreamResponse) -> Option<String> {
    let metadata = match event {
        StreamResponse::Task(task) => &mut task.metadata,
        StreamResponse::Message(message) => &mut message.metadata,
        StreamResponse::StatusUpdate(update) => &mut update.metadata,
        StreamResponse::ArtifactUpdate(update) => &mut update.metadata,
    };
    let mark = metadata.as_mut()?.remove(resume::URI)?;
    if metadata.as_ref().is_some_and(std::collections::HashMap::is_empty) {
        *metadata = None;
    }
    mark.get("cursor").and_then(Value::as_str).map(str::to_owned)
}
