//! How long a client waits for the first event of its stream.

use std::time::Duration;

use metrics::Histogram;
use tokio::time::Instant;

use super::Meters;

/// Whoever waited longer waited too long: the objective in `docs/operating.md`.
const LATE: Duration = Duration::from_secs(1);

/// A stream that was asked for. Left without an event, it counts as if one had come then, if that is late; a refusal that comes
/// sooner is none.
#[derive(Debug)]
pub(crate) struct FirstEvent(Option<(Instant, Histogram)>);

impl FirstEvent {
    /// Counts from now on.
    pub(crate) fn awaited(meters: &Meters) -> Self {
        FirstEvent(Some((Instant::now(), meters.first_event_seconds.clone())))
    }

    /// An event is here. Only the first is measured.
    pub(crate) fn is_here(&mut self) {
        if let Some((asked, histogram)) = self.0.take() {
            histogram.record(asked.elapsed());
        }
    }
}

impl Drop for FirstEvent {
    fn drop(&mut self) {
        if self.0.as_ref().is_some_and(|(asked, _)| asked.elapsed() > LATE) {
            self.is_here();
        }
    }
}
