//! When a webhook's progress is worth a write: not for every chunk of an artifact.

use std::time::Duration;

use a2a_core::{CommitRecord, Version, reduce};
use tokio::time::Instant;

/// The most commits that are delivered without a write.
const MOST_UNWRITTEN: u32 = 16;

/// What was delivered since the last write.
#[derive(Debug)]
pub(super) struct Acknowledgement {
    written: Version,
    delivered: Version,
    unwritten: u32,
    due: Instant,
    after: Duration,
}

impl Acknowledgement {
    pub(super) fn new(written: Version, after: Duration) -> Self {
        Acknowledgement { written, delivered: written, unwritten: 0, due: Instant::now() + after, after }
    }

    /// Takes note of a delivered commit. Returns whether to write now.
    pub(super) fn delivered(&mut self, commit: &CommitRecord) -> bool {
        self.note(commit.version);
        self.unwritten >= MOST_UNWRITTEN
            || commit.state().is_some_and(reduce::ends_turn)
            || Instant::now() >= self.due
    }

    /// Takes note of a delivered snapshot of this version.
    pub(super) fn note(&mut self, version: Version) {
        if self.unwritten == 0 {
            self.due = Instant::now() + self.after;
        }
        self.unwritten += 1;
        self.delivered = version;
    }

    /// The version to write, if one is unwritten.
    pub(super) fn pending(&self) -> Option<Version> {
        (self.delivered > self.written).then_some(self.delivered)
    }

    /// When what is pending is to be written at the latest.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Takes note that a version was written.
    pub(super) fn written(&mut self, version: Version) {
        self.written = version;
        self.unwritten = 0;
    }

    /// Takes note that somebody else delivered everything up to a version, and wrote it.
    pub(super) fn passed(&mut self, version: Version) {
        self.delivered = version;
        self.written(version);
    }

    /// Takes note that a write failed: it is due again after a while.
    pub(super) fn failed(&mut self) {
        self.due = Instant::now() + self.after;
        self.unwritten = 1;
    }
}

#[cfg(test)]
mod tests {
    use a2a::{StreamResponse, TaskState, TaskStatus, TaskStatusUpdateEvent};
    use a2a_core::{CommitId, Generation, SystemEnv};

    use super::*;

    const AFTER: Duration = Duration::from_secs(2);

    fn commit(version: u64, state: Option<TaskState>) -> CommitRecord {
        let event = state.map(|state| {
            StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
                task_id: "t".into(),
                context_id: "c".into(),
                status: TaskStatus { state, message: None, timestamp: None },
                metadata: None,
            })
        });
        CommitRecord {
            version: Version::new(version),
            generation: Generation::NONE,
            id: CommitId::generate(&SystemEnv),
            events: event.into_iter().collect(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_chunks_need_few_writes() {
        let mut acknowledgement = Acknowledgement::new(Version::ABSENT, AFTER);
        let mut writes = 0;
        for version in 1..=200 {
            if acknowledgement.delivered(&commit(version, None)) {
                writes += 1;
                acknowledgement.written(Version::new(version));
            }
        }
        assert_eq!(writes, 200 / MOST_UNWRITTEN);
        assert_eq!(acknowledgement.pending(), Some(Version::new(200)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_a_turn_is_written_at_once() {
        for (state, at_once) in [
            (TaskState::Working, false),
            (TaskState::InputRequired, true),
            (TaskState::Completed, true),
            (TaskState::Failed, true),
        ] {
            let mut acknowledgement = Acknowledgement::new(Version::ABSENT, AFTER);
            assert_eq!(acknowledgement.delivered(&commit(1, Some(state.clone()))), at_once, "{state:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_trickle_is_written_by_the_clock() {
        let mut acknowledgement = Acknowledgement::new(Version::ABSENT, AFTER);
        tokio::time::advance(AFTER * 9).await;
        assert!(!acknowledgement.delivered(&commit(1, None)));
        assert_eq!(acknowledgement.due(), Instant::now() + AFTER);
        tokio::time::advance(AFTER).await;
        assert!(acknowledgement.delivered(&commit(2, None)));
        acknowledgement.written(Version::new(2));
        assert_eq!(acknowledgement.pending(), None);
    }
}
