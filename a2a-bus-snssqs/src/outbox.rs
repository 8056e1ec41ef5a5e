//! Brings messages to their requests: a batcher per destination, and tasks that live while a batcher has work.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use a2a_core::{BackendError, Result};
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use crate::batcher::Batcher;
use crate::encoded::{EncodedMessage, MOST_BYTES, Route};
use crate::error::Failure;
use crate::sender::{SendOutcome, Sender};

type Answer = Result<SendOutcome, Failure>;

/// A message and whom to tell what became of it.
#[derive(Debug)]
struct Waiting {
    message: EncodedMessage,
    answer: oneshot::Sender<Answer>,
}

/// What one endpoint sends.
#[derive(Debug)]
pub(crate) struct Outbox {
    sender: Sender,
    batchers: Mutex<HashMap<Route, Batcher<Waiting>>>,
    tasks: TaskTracker,
}

impl Outbox {
    pub(crate) fn new(sender: Sender, tasks: TaskTracker) -> Arc<Self> {
        Arc::new(Outbox { sender, batchers: Mutex::default(), tasks })
    }

    /// Sends a message and waits for what becomes of it. When cancelled it may still be sent.
    pub(crate) async fn post(self: &Arc<Self>, message: EncodedMessage) -> Result<SendOutcome> {
        let route = message.route;
        let (answer, outcome) = oneshot::channel();
        let batch = self.with_batcher(route, |batcher| {
            batcher.push(message.bytes(), Waiting { message, answer });
            batcher.start()
        });
        if let Some(batch) = batch {
            self.tasks.spawn(Arc::clone(self).work(route, batch));
        }
        match outcome.await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(BackendError::Closed),
        }
    }

    /// Sends batch after batch until the batcher has no more for this task.
    async fn work(self: Arc<Self>, route: Route, mut batch: Vec<Waiting>) {
        loop {
            let (messages, answers): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|waiting| (waiting.message, waiting.answer)).unzip();
            let outcomes = self.sender.send_batch(route, &messages).await;
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                // Whoever was cancelled does not listen any more.
                let _ = answer.send(outcome);
            }
            let next = self.with_batcher(route, |batcher| {
                batcher.finished();
                batcher.start()
            });
            match next {
                Some(next) => batch = next,
                None => return,
            }
        }
    }

    /// Uses a batcher, which exists for as long as it has work.
    fn with_batcher<T>(&self, route: Route, use_it: impl FnOnce(&mut Batcher<Waiting>) -> T) -> T {
        let mut batchers = self.batchers.lock().unwrap_or_else(PoisonError::into_inner);
        let batcher = batchers.entry(route).or_insert_with(|| Batcher::new(MOST_BYTES));
        let value = use_it(batcher);
        if batcher.is_idle() {
            batchers.remove(&route);
        }
        value
    }
}
