//! One endpoint's messages on their way: bounded, oldest dropped first, readable by one task at a time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use a2a_core::{BackendError, BusMessage, Result};
use tokio::sync::Notify;

use crate::MemoryBusConfig;

/// A queue between many senders and one reader.
pub(crate) struct Queue {
    config: MemoryBusConfig,
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<Arc<BusMessage>>,
    dropped: u64,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(config: MemoryBusConfig) -> Self {
        Queue { config, waiting: Mutex::default(), news: Notify::new() }
    }

    /// Appends a message; tells whether anybody can still read it.
    pub(crate) fn push(&self, message: Arc<BusMessage>) -> bool {
        let mut waiting = self.lock();
        if waiting.closed {
            return false;
        }
        if waiting.messages.len() >= self.config.queue_messages {
            waiting.messages.pop_front();
            waiting.dropped = waiting.dropped.saturating_add(1);
        }
        waiting.messages.push_back(message);
        drop(waiting);
        self.news.notify_one();
        true
    }

    /// Waits for messages and takes a batch of them.
    ///
    /// Cancel safe: messages leave the queue only in the poll that returns them.
    pub(crate) async fn pop(&self) -> Result<Vec<BusMessage>> {
        // A reader that always finds messages would otherwise never let its thread go.
        tokio::task::consume_budget().await;
        loop {
            let mut news = std::pin::pin!(self.news.notified());
            // Signing up before looking: whatever comes after the look wakes this reader.
            news.as_mut().enable();
            if let Some(batch) = self.take()? {
                return Ok(batch);
            }
            news.await;
        }
    }

    fn take(&self) -> Result<Option<Vec<BusMessage>>> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(BackendError::Closed);
        }
        if waiting.messages.is_empty() {
            return Ok(None);
        }
        let size = waiting.messages.len().min(self.config.batch_messages);
        let batch: Vec<Arc<BusMessage>> = waiting.messages.drain(..size).collect();
        drop(waiting);
        Ok(Some(batch.into_iter().map(Arc::unwrap_or_clone).collect()))
    }

    /// Refuses further messages, forgets those that wait and wakes the reader.
    pub(crate) fn close(&self) {
        let forgotten = {
            let mut waiting = self.lock();
            waiting.closed = true;
            std::mem::take(&mut waiting.messages)
        };
        drop(forgotten);
        self.news.notify_waiters();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing in a critical section can panic half way, so a poisoned queue is a sound one.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
