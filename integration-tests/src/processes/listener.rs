//! A client that wants all of a task's stream, and does not stop before it has it: whatever breaks, it comes again.

use std::time::Duration;

use a2a::{A2AError, Message, StreamResponse, Task, error_code};
use a2a_core::{Env, SystemEnv, reduce};
use a2a_testworld::world::Events;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use tokio::time::{Instant, sleep, timeout_at};

use super::caller::Caller;

/// Between two attempts, as a well-behaved client waits.
const PAUSE: Duration = Duration::from_millis(100);

/// All that one client saw of one task.
#[derive(Debug, Default)]
pub struct Recording {
    /// The task.
    pub task: String,
    /// Its connections, one after the other.
    pub hops: Vec<Hop>,
    /// Why it gave up before the task ended, if it did.
    pub gave_up: Option<String>,
    /// Whether it only watched, and did not begin the task.
    pub watched: bool,
    /// What it was refused on the way, or broke.
    pub troubles: Vec<String>,
}

/// What one connection carried.
#[derive(Debug, Default)]
pub struct Hop {
    /// The events, in the order of their arrival.
    pub events: Vec<Heard>,
}

/// One event, and when it arrived.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The event.
    pub event: StreamResponse,
    /// When it arrived, by this machine's clock, which is also that of the instances.
    pub at: DateTime<Utc>,
}

impl Recording {
    /// What a client saw that never got to listen.
    pub(super) fn nothing(why: &str) -> Self {
        Recording::default().give_up(why)
    }

    /// The connections in a few words: what each began with, how many events it carried, and the troubles.
    pub(super) fn outline(&self) -> String {
        let hop = |hop: &Hop| {
            let first = match hop.events.first().map(|heard| &heard.event) {
                Some(StreamResponse::Task(task)) => format!("{:?} task", task.status.state),
                Some(_) => "resumed".to_owned(),
                None => "nothing".to_owned(),
            };
            format!("{first} +{}", hop.events.len().saturating_sub(1))
        };
        let hops: Vec<_> = self.hops.iter().map(hop).collect();
        format!("[{}] {:?}", hops.join(", "), self.troubles)
    }

    /// Tells whether the client saw the task's end.
    pub fn is_complete(&self) -> bool {
        let last = self.hops.last().and_then(|hop| hop.events.last());
        last.is_some_and(|heard| ends(&heard.event))
    }
}

/// Sends a message and listens until its task ends. Where it got no answer it sends the same message again, which
/// makes no second task. `begun` is told the task's id as soon as it is known.
pub async fn send_and_hear(
    caller: Caller,
    message: Message,
    until: Instant,
    begun: impl FnOnce(&str) + Send,
) -> Recording {
    let mut recording = Recording::default();
    let mut begun = Some(begun);
    while recording.task.is_empty() {
        let told = |task: &str| begun.take().into_iter().for_each(|begun| begun(task));
        match timeout_at(until, caller.send(&message)).await {
            Err(_) => return recording.give_up("no instance took the message"),
            Ok(Err(error)) => recording.pause(&error).await,
            Ok(Ok(events)) => recording.hop(&caller, events, until, told).await,
        }
    }
    hear_the_rest(&caller, recording, until).await
}

/// Subscribes to a task and listens until it ends.
pub async fn watch(caller: Caller, task: String, until: Instant) -> Recording {
    let recording = Recording { task, watched: true, ..Recording::default() };
    hear_the_rest(&caller, recording, until).await
}

async fn hear_the_rest(caller: &Caller, mut recording: Recording, until: Instant) -> Recording {
    while !recording.is_complete() {
        let task = recording.task.clone();
        match timeout_at(until, caller.subscribe(&task)).await {
            Err(_) => return recording.give_up("the stream hangs"),
            Ok(Ok(events)) => recording.hop(caller, events, until, |_| ()).await,
            // The task ended while nobody listened: what it became stands in the store.
            Ok(Err(error)) if error.code == error_code::UNSUPPORTED_OPERATION => {
                match timeout_at(until, caller.get(&task)).await {
                    Ok(Ok(task)) => recording.read(task),
                    Ok(Err(error)) => recording.pause(&error).await,
                    Err(_) => return recording.give_up("the task cannot be read"),
                }
            }
            Ok(Err(error)) if error.code == error_code::TASK_NOT_FOUND => {
                return recording.give_up("the task is lost");
            }
            Ok(Err(error)) => recording.pause(&error).await,
        }
    }
    recording
}

impl Recording {
    /// Listens to one stream until it ends, breaks, or time is up.
    async fn hop(
        &mut self,
        caller: &Caller,
        mut events: Events,
        until: Instant,
        begun: impl FnOnce(&str) + Send,
    ) {
        self.hops.push(Hop::default());
        let mut begun = Some(begun);
        loop {
            let event = match timeout_at(until, events.next()).await {
                Ok(Some(Ok(event))) => event,
                Ok(Some(Err(error))) => return self.pause(&error).await,
                Ok(None) | Err(_) => break,
            };
            let at = SystemEnv.now();
            caller.saw(&event);
            if let (true, StreamResponse::Task(task)) = (self.task.is_empty(), &event) {
                self.task.clone_from(&task.id);
                begun.take().into_iter().for_each(|begun| begun(&task.id));
            }
            let is_last = ends(&event);
            self.hops
                .last_mut()
                .into_iter()
                .for_each(|hop| hop.events.push(Heard { event: event.clone(), at }));
            if is_last {
                return;
            }
        }
        self.troubles.push("ended early".to_owned());
        sleep(PAUSE).await;
    }

    fn read(&mut self, task: Task) {
        let at = SystemEnv.now();
        self.hops.push(Hop { events: vec![Heard { event: StreamResponse::Task(task), at }] });
    }

    async fn pause(&mut self, error: &A2AError) {
        self.troubles.push(format!("{} {}", error.code, error.message));
        sleep(PAUSE).await;
    }

    fn give_up(mut self, why: &str) -> Self {
        self.gave_up = Some(why.to_owned());
        self
    }
}

fn ends(event: &StreamResponse) -> bool {
    match event {
        StreamResponse::Task(task) => task.status.state.is_terminal(),
        event => reduce::state_of(event).is_some_and(a2a::TaskState::is_terminal),
    }
}
