//! What an operator learns of the errors that are answered: a metric of all, and a log line of the first in each second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::response::Response;
use metrics::{Counter, counter};

use super::told::Told;

/// The most lines in a second: whoever sends nothing but nonsense fills no disk.
const LINES: u64 = 10;
/// What an answer is of. The card is asked for over REST.
const BINDINGS: [&str; 3] = ["grpc", "jsonrpc", "rest"];
const ERRORS: &str = "a2a_request_errors_total";
/// What counts against availability. There from the start: a part of nothing would be nothing, and no alarm sees a rise from it.
const UNAVAILABLE: [&str; 5] = ["DATA_LOSS", "DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE", "UNKNOWN"];

/// Counts answers, and counts and logs errors.
#[derive(Debug)]
pub(super) struct Report {
    requests: [Counter; BINDINGS.len()],
    began: Instant,
    /// The second of which the lines are counted.
    second: AtomicU64,
    lines: AtomicU64,
}

impl Report {
    pub(super) fn new() -> Self {
        for binding in BINDINGS {
            for code in UNAVAILABLE {
                counter!(ERRORS, "binding" => binding, "code" => code).increment(0);
            }
        }
        Report {
            requests: BINDINGS.map(|binding| counter!("a2a_requests_total", "binding" => binding)),
            began: Instant::now(),
            second: AtomicU64::new(0),
            lines: AtomicU64::new(0),
        }
    }

    /// Looks at an answer on its way out.
    pub(super) fn see(&self, binding: &'static str, response: &Response) {
        if let Some((_, requests)) = BINDINGS.iter().zip(&self.requests).find(|(known, _)| **known == binding)
        {
            requests.increment(1);
        }
        let Some(told) = Told::by(response) else { return };
        counter!(ERRORS, "binding" => binding, "code" => told.name()).increment(1);
        if !self.has_room(self.began.elapsed().as_secs()) {
            return;
        }
        if told.is_ours() {
            tracing::warn!(binding, code = told.name(), "a request failed");
        } else {
            tracing::info!(binding, code = told.name(), "a request was refused");
        }
    }

    fn has_room(&self, second: u64) -> bool {
        if self.second.swap(second, Ordering::Relaxed) != second {
            let left_out = self.lines.swap(0, Ordering::Relaxed).saturating_sub(LINES);
            if left_out > 0 {
                tracing::info!(left_out, "more requests were refused than there are lines of");
            }
        }
        self.lines.fetch_add(1, Ordering::Relaxed) < LINES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_so_many_lines() {
        let report = Report::new();
        let lines = |second: u64| (0..100).filter(|_| report.has_room(second)).count() as u64;
        assert_eq!((lines(0), lines(1), lines(1), lines(7)), (LINES, LINES, 0, LINES));
    }
}
