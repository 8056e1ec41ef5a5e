//! What a client heard: how much, how late, and whether to the end.

use a2a_testkit::agent::{MARK, stamp};
use memchr::{memchr, memmem};

/// What the answers to one client's requests held.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Lines of event streams that hold data.
    pub(crate) events: usize,
    /// Chunks of the agent's artifact.
    pub(crate) chunks: usize,
    /// From the agent to here, in nanoseconds, for each chunk.
    pub(crate) delays: Vec<u64>,
    /// Answers that told of a completed task.
    pub(crate) completed: usize,
    /// Answers that did not.
    pub(crate) cut: usize,
    now: i64,
    told_of_end: bool,
    keeps: bool,
    line: Vec<u8>,
}

impl Heard {
    /// Keeps the text of a single answer.
    pub(crate) fn keeping() -> Self {
        Heard { keeps: true, ..Heard::default() }
    }

    pub(crate) fn text(&self) -> &[u8] {
        &self.line
    }

    /// Takes note of the time for what is taken next.
    pub(super) fn now(&mut self) {
        self.now = stamp();
    }

    /// Takes content, cut anywhere.
    pub(crate) fn take(&mut self, mut text: &[u8]) {
        if self.keeps {
            return self.line.extend_from_slice(text);
        }
        while let Some(end) = memchr(b'\n', text) {
            let (line, rest) = text.split_at(end + 1);
            if self.line.is_empty() {
                self.hear(line);
            } else {
                self.line.extend_from_slice(line);
                let line = std::mem::take(&mut self.line);
                self.hear(&line);
                self.line = line;
                self.line.clear();
            }
            text = rest;
        }
        self.line.extend_from_slice(text);
    }

    /// Takes note that an answer is complete.
    pub(crate) fn end(&mut self) {
        if self.keeps {
            return;
        }
        let line = std::mem::take(&mut self.line);
        self.hear(&line);
        if std::mem::take(&mut self.told_of_end) {
            self.completed += 1;
        } else {
            self.cut += 1;
        }
    }

    fn hear(&mut self, line: &[u8]) {
        if line.starts_with(b"data:") {
            self.events += 1;
        }
        let mark = memchr(MARK, line);
        if let Some(made) = mark.and_then(|mark| line.get(mark + 1..mark + 20)).and_then(parsed) {
            self.chunks += 1;
            self.delays.push(u64::try_from(self.now - made).unwrap_or_default());
        }
        // A chunk's event tells of nothing else; an unstreamed answer has both.
        if mark.is_none() || !line.starts_with(b"data:") {
            self.told_of_end |= memmem::find(line, b"TASK_STATE_COMPLETED").is_some();
        }
    }
}

fn parsed(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
