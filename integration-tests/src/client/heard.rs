//! What one stream told from its first event to its end.

use a2a::{A2AError, StreamResponse, Task};
use a2a_testkit::TaskLog;
use a2a_testworld::world::fold;
use futures::StreamExt;

use super::{Events, outline, soon, texts};

/// A stream that was read to its end.
#[derive(Debug)]
pub struct Heard {
    /// All events, of which the first is the task.
    pub events: Vec<StreamResponse>,
    /// The failure that ended the stream, where one did.
    pub error: Option<A2AError>,
}

impl Heard {
    /// Reads a stream until it ends.
    ///
    /// # Panics
    ///
    /// Where it fails or hangs, or does not begin with the task.
    pub async fn by(events: Events) -> Self {
        let heard = Self::by_what_may_break(events).await;
        assert!(heard.error.is_none(), "{:?} after {:?}", heard.error, outline(&heard.events));
        heard
    }

    /// Reads a stream until it ends or fails.
    ///
    /// # Panics
    ///
    /// As [`Heard::by`], but for failures after the first event.
    pub async fn by_what_may_break(mut events: Events) -> Self {
        let first = soon(events.next()).await.expect("an empty stream").unwrap();
        let mut heard = Heard { events: vec![first], error: None };
        let _ = heard.first();
        while let Some(event) = soon(events.next()).await {
            match event {
                Ok(event) => heard.events.push(event),
                Err(error) => {
                    heard.error = Some(error);
                    break;
                }
            }
        }
        heard
    }

    /// The task, which comes first.
    ///
    /// # Panics
    ///
    /// Where anything else does.
    pub fn first(&self) -> &Task {
        match &self.events[0] {
            StreamResponse::Task(task) => task,
            other => panic!("a stream that does not begin with its task: {other:?}"),
        }
    }

    /// Everything after the task.
    pub fn later(&self) -> &[StreamResponse] {
        &self.events[1..]
    }

    /// The task as somebody knows it who only read this stream.
    pub fn task(&self) -> Task {
        fold(&self.events)
    }

    /// The texts of all artifacts as they came: those of the first task, then each later one.
    pub fn texts(&self) -> Vec<&str> {
        let later = self.later().iter().filter_map(|event| match event {
            StreamResponse::ArtifactUpdate(update) => Some(&update.artifact.parts),
            _ => None,
        });
        texts(self.first()).into_iter().chain(later.flatten().filter_map(a2a::Part::as_text)).collect()
    }

    /// Checks that it told all that the log says from its first task on, in order, once, and nothing else, and that
    /// whoever read it knows the task.
    ///
    /// # Panics
    ///
    /// Where it did not. History is left out, which streams do not repeat.
    pub fn assert_tells(&self, log: &TaskLog) {
        let findings = log.audit([&self.events]);
        assert!(findings.is_right() && findings.restarted == 0, "{findings:?}: {:?}", outline(&self.events));
        let (task, truth) = (self.task(), log.task());
        assert_eq!(task.status, truth.status);
        assert!(task.artifacts == truth.artifacts, "other artifacts were told");
        assert_eq!(
            (&task.id, &task.context_id, &task.metadata),
            (&truth.id, &truth.context_id, &truth.metadata)
        );
    }
}
