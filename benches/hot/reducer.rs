//! A stream of chunks, applied to its task.

use a2a::{StreamResponse, Task};
use a2a_core::reduce;

use super::sample;

pub(crate) struct Reducer {
    events: Vec<StreamResponse>,
}

impl Reducer {
    pub(crate) fn new(events: usize) -> Self {
        Reducer { events: (0..events).map(|n| sample::chunk("task", "context", n == 0)).collect() }
    }

    pub(crate) fn run(&self) -> Task {
        let mut task = sample::task("task");
        for event in &self.events {
            reduce::apply(&mut task, event);
        }
        task
    }
}
