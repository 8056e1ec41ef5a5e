//! A stream on another instance than its task's, over a bus that repeats all news and delivers it backwards.

use std::sync::Arc;

use futures::future::join;

use super::shuffled::Shuffled;
use super::world::{World, drain};

pub(crate) struct Follower(World);

impl Follower {
    pub(crate) async fn new() -> Self {
        Follower(World::new(2, |bus| Arc::new(Shuffled(bus))).await)
    }

    /// Returns how many events came on the other instance after the first.
    pub(crate) async fn run(&self, chunks: usize) -> usize {
        let (here, task) = self.0.begin(chunks).await;
        let there = self.0.subscribe(1, &task).await;
        self.0.go();
        join(drain(here), drain(there)).await.1
    }
}
