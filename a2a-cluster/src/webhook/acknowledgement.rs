//! When a webhook's progress is worth a write: not for every chunk of an artifact.

use std::time::Duration;

use a2a::StreamResponse;
use a2a_core::Version;
use tokio::time::Instant;

use super::ending::ends_turn;
use super::notification::Notification;
use super::plan::MANY;

/// What was delivered since the last write.
#[derive(Debug)]
pub(super) struct Acknowledgement {
    written: Version,
    delivered: Version,
    due: Instant,
    after: Duration,
}

impl Acknowledgement {
    pub(super) fn new(written: Version, after: Duration) -> Self {
        Acknowledgement { written, delivered: written, due: Instant::now() + after, after }
    }

    /// Takes note of what was delivered, and how far that goes. Returns whether to write now.
    pub(super) fn reached(&mut self, told: &Notification, version: Version) -> bool {
        self.note(version);
        let is_whole = matches!(told.event, StreamResponse::Task(_)) && told.is_merged();
        let unwritten = self.delivered.get().saturating_sub(self.written.get());
        self.is_pending()
            && (unwritten >= MANY as u64 || ends_turn(&told.event) || is_whole || Instant::now() >= self.due)
    }

    /// Takes note that everything up to a version is delivered, or is not to be.
    pub(super) fn note(&mut self, version: Version) {
        if !self.is_pending() {
            self.due = Instant::now() + self.after;
        }
        self.delivered = self.delivered.max(version);
    }

    /// Whether a version is unwritten.
    pub(super) fn is_pending(&self) -> bool {
        self.delivered > self.written
    }

    /// When what is pending is to be written at the latest.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Takes note that a version was written.
    pub(super) fn written(&mut self, version: Version) {
        self.written = self.written.max(version);
        self.delivered = self.delivered.max(version);
    }

    /// Takes note that a write failed: it is due again after a while.
    pub(super) fn failed(&mut self) {
        self.due = Instant::now() + self.after;
    }
}

#[cfg(test)]
mod tests {
    use a2a::{TaskState, TaskStatus, TaskStatusUpdateEvent};
    use a2a_core::Generation;

    use super::super::notification::Cursor;
    use super::*;

    const AFTER: Duration = Duration::from_secs(2);

    fn told(version: u64, state: TaskState) -> Notification {
        let event = StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
            task_id: "t".into(),
            context_id: "c".into(),
            status: TaskStatus { state, message: None, timestamp: None },
            metadata: None,
        });
        let (number, then) = (Generation::new(version), Cursor::after(Version::new(version)));
        Notification { event, first: number, last: number, then, in_place: None }
    }

    #[tokio::test(start_paused = true)]
    async fn many_events_need_few_writes() {
        let mut acknowledgement = Acknowledgement::new(Version::ABSENT, AFTER);
        let mut writes = 0;
        for version in 1..=200 {
            if acknowledgement.reached(&told(version, TaskState::Working), Version::new(version)) {
                writes += 1;
                acknowledgement.written(Version::new(version));
            }
        }
        assert_eq!(writes, 200 / MANY);
        assert!(acknowledgement.is_pending());
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
            assert_eq!(
                acknowledgement.reached(&told(1, state.clone()), Version::new(1)),
                at_once,
                "{state:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_trickle_is_written_by_the_clock() {
        let mut acknowledgement = Acknowledgement::new(Version::ABSENT, AFTER);
        tokio::time::advance(AFTER * 9).await;
        assert!(!acknowledgement.reached(&told(1, TaskState::Working), Version::new(1)));
        assert_eq!(acknowledgement.due(), Instant::now() + AFTER);
        tokio::time::advance(AFTER).await;
        assert!(acknowledgement.reached(&told(2, TaskState::Working), Version::new(2)));
        acknowledgement.written(Version::new(2));
        assert!(!acknowledgement.is_pending());
    }
}
