//! Reads one stream to its end, keeps every event, and tells the timeline.

use std::sync::OnceLock;

use a2a::{StreamResponse, Task};
use a2a_core::{Env, InstanceId};
use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use tokio::sync::watch;

use super::peer::{Events, Peer};
use super::timeline::{Timeline, milliseconds};
use super::words::{chunk_of, happened};

/// All that one stream carried.
#[derive(Debug)]
pub(crate) struct Heard {
    /// What the timeline calls the instance that served it.
    pub(crate) name: &'static str,
    /// The instance that served it.
    pub(crate) instance: InstanceId,
    /// The task that it was opened for.
    pub(crate) task: String,
    /// The events in the order of their arrival.
    pub(crate) events: Vec<StreamResponse>,
    /// How long after it happened each update arrived.
    pub(crate) delays: Vec<TimeDelta>,
    /// How long after the executor was killed the first thing arrived that happened since.
    pub(crate) moved_after: Option<TimeDelta>,
}

/// An open stream.
pub(crate) struct Listener<'a> {
    peer: &'a Peer,
    timeline: &'a Timeline,
    env: &'a dyn Env,
    events: Events,
    heard: Heard,
    show_every: u32,
    killed: Option<&'a OnceLock<DateTime<Utc>>>,
    chunks: watch::Sender<u32>,
}

impl<'a> Listener<'a> {
    /// Listens to a stream that an instance has opened.
    pub(crate) fn new(peer: &'a Peer, timeline: &'a Timeline, env: &'a dyn Env, events: Events) -> Self {
        let heard = Heard {
            name: peer.name,
            instance: peer.id,
            task: String::new(),
            events: Vec::new(),
            delays: Vec::new(),
            moved_after: None,
        };
        Self {
            peer,
            timeline,
            env,
            events,
            heard,
            show_every: 1,
            killed: None,
            chunks: watch::Sender::new(0),
        }
    }

    /// Shows only every so many chunks.
    pub(crate) fn show_every(mut self, chunks: u32) -> Self {
        self.show_every = chunks;
        self
    }

    /// Takes the time from when the task's executor is killed until something arrives that happened after that.
    pub(crate) fn since(mut self, killed: &'a OnceLock<DateTime<Utc>>) -> Self {
        self.killed = Some(killed);
        self
    }

    /// The number of the latest chunk that arrived.
    pub(crate) fn progress(&self) -> watch::Receiver<u32> {
        self.chunks.subscribe()
    }

    /// Waits for the next event; `None` at the end of the stream, also where it breaks.
    pub(crate) async fn next(&mut self) -> Option<&StreamResponse> {
        let event = match self.events.next().await? {
            Ok(event) => event,
            Err(error) => {
                self.timeline.note(self.peer, &format!("the stream broke: {error}"));
                return None;
            }
        };
        let delay = happened(&event).map(|then| self.env.now() - then);
        self.heard.delays.extend(delay);
        if let (Some(&killed), Some(then)) = (self.killed.and_then(OnceLock::get), happened(&event))
            && then > killed
        {
            self.killed = None;
            let after = self.env.now() - killed;
            self.heard.moved_after = Some(after);
            let text =
                format!("the task moves again, {} ms after its instance was killed", milliseconds(after));
            self.timeline.note(self.peer, &text);
        }
        if self.is_shown(&event) {
            self.timeline.event(self.peer, &event, delay);
        }
        match &event {
            StreamResponse::Task(task) if self.heard.task.is_empty() => self.heard.task.clone_from(&task.id),
            StreamResponse::ArtifactUpdate(update) => {
                chunk_of(&update.artifact).map(|chunk| self.chunks.send_replace(chunk.number));
            }
            _ => {}
        }
        self.heard.events.push(event);
        self.heard.events.last()
    }

    /// Waits for the task that every stream begins with; `None` when this one begins otherwise.
    pub(crate) async fn snapshot(&mut self) -> Option<Task> {
        match self.next().await? {
            StreamResponse::Task(task) => Some(task.clone()),
            _ => None,
        }
    }

    /// Reads until the stream ends.
    pub(crate) async fn hear_out(mut self) -> Heard {
        while self.next().await.is_some() {}
        self.timeline.note(self.peer, "end of stream");
        self.heard
    }

    fn is_shown(&self, event: &StreamResponse) -> bool {
        match event {
            StreamResponse::ArtifactUpdate(update) => {
                chunk_of(&update.artifact).is_none_or(|chunk| chunk.number % self.show_every == 0)
            }
            _ => true,
        }
    }
}
