//! One task that many streams of its instance read.

use std::sync::Arc;

use futures::future::join_all;

use super::world::{World, drain};

pub(crate) struct FanOut {
    world: World,
    streams: usize,
}

impl FanOut {
    pub(crate) async fn new(streams: usize) -> Self {
        FanOut { world: World::new(1, |bus| Arc::new(bus)).await, streams }
    }

    /// Returns how many events all streams got after their first.
    pub(crate) async fn run(&self, chunks: usize) -> usize {
        let (first, task) = self.world.begin(chunks).await;
        let mut readers = vec![first];
        for _ in 1..self.streams {
            readers.push(self.world.subscribe(0, &task).await);
        }
        self.world.go();
        join_all(readers.into_iter().map(drain)).await.into_iter().sum()
    }
}
