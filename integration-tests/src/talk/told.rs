//! What one stream told from its first event to its end, checked while it is read.

use a2a::{A2AError, StreamResponse, Task};
use a2a_core::reduce;
use futures::StreamExt;

use super::{Events, soon, story, texts};

/// A stream that was read to its end.
#[derive(Debug)]
pub struct Told {
    /// The task, which comes first.
    pub first: Task,
    /// Everything after it.
    pub later: Vec<StreamResponse>,
    /// The failure that ended the stream, where one did.
    pub error: Option<A2AError>,
}

impl Told {
    /// Reads a stream until it ends.
    ///
    /// # Panics
    ///
    /// Where it fails or hangs, does not begin with the task, tells the task a second time, or goes on after
    /// the task's end.
    pub async fn by(events: Events) -> Self {
        let told = Self::by_what_may_break(events).await;
        assert!(told.error.is_none(), "{:?} after {:?}", told.error, story(&told.later));
        told
    }

    /// Reads a stream until it ends or fails.
    ///
    /// # Panics
    ///
    /// As [`Told::by`], but for failures after the first event.
    pub async fn by_what_may_break(mut events: Events) -> Self {
        let first = match soon(events.next()).await.expect("an empty stream").unwrap() {
            StreamResponse::Task(task) => task,
            other => panic!("a stream that does not begin with its task: {}", story(&[other])[0]),
        };
        let mut told = Told { first, later: Vec::new(), error: None };
        let mut state = told.first.status.state.clone();
        while let Some(event) = soon(events.next()).await {
            match event {
                Ok(event) => {
                    let said = || story(std::slice::from_ref(&event)).concat();
                    assert!(!state.is_terminal(), "{} after the end of the task", said());
                    assert!(!matches!(event, StreamResponse::Task(_)), "the task a second time");
                    if let Some(next) = reduce::state_of(&event) {
                        state = next.clone();
                    }
                    told.later.push(event);
                }
                Err(error) => {
                    told.error = Some(error);
                    break;
                }
            }
        }
        told
    }

    /// The task as somebody knows it who only read this stream.
    pub fn task(&self) -> Task {
        let mut task = self.first.clone();
        self.later.iter().for_each(|event| reduce::apply(&mut task, event));
        task
    }

    /// The texts of all artifacts as they came: those of the first task, then each later one.
    pub fn texts(&self) -> Vec<&str> {
        let later = self.later.iter().filter_map(|event| match event {
            StreamResponse::ArtifactUpdate(update) => Some(&update.artifact.parts),
            _ => None,
        });
        texts(&self.first).into_iter().chain(later.flatten().filter_map(a2a::Part::as_text)).collect()
    }

    /// Checks that it told all that became of a task, and each thing once.
    ///
    /// # Panics
    ///
    /// Where the task as told differs from `truth` in anything but the history, which streams do not repeat.
    pub fn assert_is(&self, truth: &Task) {
        let task = self.task();
        assert_eq!(self.texts(), texts(truth), "told {:?}", story(&self.later));
        assert_eq!(task.status, truth.status);
        assert!(task.artifacts == truth.artifacts, "other artifacts were told");
        assert_eq!(
            (&task.id, &task.context_id, &task.metadata),
            (&truth.id, &truth.context_id, &truth.metadata)
        );
    }
}
