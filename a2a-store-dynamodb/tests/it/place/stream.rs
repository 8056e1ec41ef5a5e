//! A task that streams chunks into one artifact, one commit each, and what that costs.

use std::iter::repeat_with;

use a2a::{Artifact, Part, StreamResponse, Task, TaskArtifactUpdateEvent, TaskState};
use a2a_core::{ClaimChange, Commit, Outcome, TaskKey, TaskStore, Tip, reduce};
use a2a_testkit::sample::{TaskModel, at, claim, commit_id, instance, status};

/// A task that is being written.
pub(crate) struct Stream<'a> {
    store: &'a dyn TaskStore,
    pub(crate) key: TaskKey,
    pub(crate) task: Task,
    pub(crate) tip: Tip,
    rng: fastrand::Rng,
}

impl<'a> Stream<'a> {
    /// Creates a task and has it claimed.
    pub(crate) async fn begin(store: &'a dyn TaskStore, id: &str) -> Self {
        let mut stream = Stream::of(store, &TaskModel::new(id));
        let whole = StreamResponse::Task(stream.task.clone());
        stream.commit(vec![whole], claim(instance())).await;
        stream.status(TaskState::Working).await;
        stream
    }

    /// The stream of a task that nobody has created yet.
    pub(crate) fn of(store: &'a dyn TaskStore, model: &TaskModel) -> Self {
        let rng = fastrand::Rng::with_seed(7);
        Stream { store, key: model.key.clone(), task: model.task.clone(), tip: model.tip(), rng }
    }

    /// Commits one event as it is.
    pub(crate) async fn commit(&mut self, events: Vec<StreamResponse>, change: ClaimChange) {
        events.iter().for_each(|event| reduce::apply(&mut self.task, event));
        let commit = Commit::new(self.tip, commit_id(), events, &self.task).claim(change);
        let next = commit.tip();
        let outcome = self.store.commit(&self.key, commit).await.unwrap();
        assert_eq!(outcome, Outcome::Applied(next.version));
        self.tip = next;
    }

    /// Changes the status.
    pub(crate) async fn status(&mut self, state: TaskState) {
        let time = at(i64::try_from(self.tip.version.get()).unwrap());
        let event = status(&self.task, state, time);
        self.commit(vec![event], ClaimChange::Keep).await;
    }

    /// Makes a chunk of so many bytes that compress like text without meaning.
    pub(crate) fn chunk(&mut self, bytes: usize) -> StreamResponse {
        let text: String = repeat_with(|| self.rng.alphanumeric()).take(bytes).collect();
        StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
            task_id: self.task.id.clone(),
            context_id: self.task.context_id.clone(),
            artifact: Artifact {
                artifact_id: "answer".into(),
                name: None,
                description: None,
                parts: vec![Part::text(text)],
                metadata: None,
                extensions: None,
            },
            append: (self.task.artifacts.is_some()).then_some(true),
            last_chunk: None,
            metadata: None,
        })
    }

    /// Streams so many chunks, `batch` of them in each commit.
    pub(crate) async fn chunks(&mut self, count: usize, bytes: usize, batch: usize) {
        for _ in 0..count / batch {
            let mut events = Vec::new();
            while events.len() < batch {
                let mut chunk = self.chunk(bytes);
                if let StreamResponse::ArtifactUpdate(update) = &mut chunk
                    && !events.is_empty()
                {
                    update.append = Some(true);
                }
                events.push(chunk);
            }
            self.commit(events, ClaimChange::Keep).await;
        }
    }
}
