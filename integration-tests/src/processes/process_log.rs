//! What a process writes to its log: the end of it for people who look at a failure, and what a harness reads from it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};
use tokio_util::sync::CancellationToken;

const LINES: usize = 400;
const SHOWN: usize = 40;

/// The end of a process's log, in JSON lines. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct ProcessLog {
    pages: Arc<Mutex<Pages>>,
    closed: CancellationToken,
}

#[derive(Debug, Default)]
struct Pages {
    lines: VecDeque<String>,
    /// The ids under which the process has served, the first one included.
    ids: Vec<String>,
    panicked: bool,
}

impl ProcessLog {
    /// Reads until the process closes its end. Cancel safe, but for the line that was being read.
    pub(super) async fn keep(self, log: impl AsyncBufRead + Unpin) {
        let mut lines = log.lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.with(|pages| pages.add(line));
        }
        self.closed.cancel();
    }

    /// Waits until the process has closed its end.
    pub(super) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// The last lines.
    pub fn tail(&self) -> String {
        self.with(|pages| {
            let from = pages.lines.len().saturating_sub(SHOWN);
            pages.lines.range(from..).map(|line| format!("    {line}\n")).collect()
        })
    }

    /// Under which id the process joined again after it was evicted, if it did.
    pub fn rejoined_as(&self) -> Option<String> {
        self.with(|pages| pages.ids.get(1..)?.last().cloned())
    }

    /// How often the process joined again under another id.
    pub fn rejoined(&self) -> usize {
        self.with(|pages| pages.ids.len().saturating_sub(1))
    }

    /// Tells whether a thread of the process panicked.
    pub fn panicked(&self) -> bool {
        self.with(|pages| pages.panicked)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Pages) -> T) -> T {
        act(&mut self.pages.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Pages {
    fn add(&mut self, line: String) {
        self.panicked |= line.contains("panicked at");
        self.ids.extend(serves_as(&line));
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

fn serves_as(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let is_it = line.get("message")?.as_str()? == "the instance serves";
    is_it.then(|| line.get("instance")?.as_str().map(str::to_owned)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_id_after_the_first_is_another_life_and_the_last_lines_are_kept() {
        let joined =
            |id: &str| format!(r#"{{"level":"INFO","message":"the instance serves","instance":"{id}"}}"#);
        let noise = "noise\n".repeat(LINES);
        let text = format!("{}\n{}\n{noise}{}\nlast\n", joined("a"), joined("b"), joined("c"));
        let log = ProcessLog::default();
        log.clone().keep(text.as_bytes()).await;
        assert_eq!((log.rejoined(), log.rejoined_as()), (2, Some("c".to_owned())));
        assert_eq!(log.tail().lines().count(), SHOWN);
        assert!(log.tail().ends_with("    last\n") && !log.panicked());
    }
}
