//! How long a client waits for the first event of its stream.

use metrics::Histogram;
use tokio::time::Instant;

use super::Meters;

/// A stream that was asked for.
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
