//! What executors answered to cancels that wait on this instance.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use a2a_core::TaskKey;
use tokio::sync::watch;

/// An executor's answer to a cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// None yet.
    Silence,
    /// The agent winds down.
    Heard,
    /// The agent does not cancel this task.
    Refused,
}

type Entries = HashMap<TaskKey, (usize, watch::Sender<Answer>)>;

/// The answers to the cancels that wait on this instance.
#[derive(Debug, Default)]
pub(crate) struct Answers(Arc<Mutex<Entries>>);

impl Answers {
    /// Takes an executor's answer; nobody may wait for it any more.
    pub(crate) fn record(&self, key: &TaskKey, answer: Answer) {
        if let Some((_, sender)) = lock(&self.0).get(key) {
            sender.send_if_modified(|current| {
                let news = *current != answer && *current != Answer::Refused;
                if news {
                    *current = answer;
                }
                news
            });
        }
    }

    /// Takes an agent's refusal on this instance.
    pub(crate) fn refuse(&self, key: &TaskKey) {
        self.record(key, Answer::Refused);
    }

    /// Waits for answers about a task, for as long as the listener lives.
    pub(crate) fn listen(&self, key: &TaskKey) -> Listener {
        let mut entries = lock(&self.0);
        let (listeners, sender) =
            entries.entry(key.clone()).or_insert_with(|| (0, watch::Sender::new(Answer::Silence)));
        *listeners += 1;
        Listener { key: key.clone(), answer: sender.subscribe(), entries: Arc::clone(&self.0) }
    }
}

/// One cancel that waits.
#[derive(Debug)]
pub(crate) struct Listener {
    key: TaskKey,
    answer: watch::Receiver<Answer>,
    entries: Arc<Mutex<Entries>>,
}

impl Listener {
    /// Tells whether the executor is winding down.
    pub(crate) fn heard(&self) -> bool {
        *self.answer.borrow() == Answer::Heard
    }

    /// Completes when the agent refuses. Cancel safe.
    pub(crate) async fn refused(&self) {
        let mut answer = self.answer.clone();
        if answer.wait_for(|answer| *answer == Answer::Refused).await.is_err() {
            std::future::pending().await
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut entries = lock(&self.entries);
        if let Some((listeners, _)) = entries.get_mut(&self.key) {
            *listeners -= 1;
            if *listeners == 0 {
                entries.remove(&self.key);
            }
        }
    }
}

fn lock(entries: &Mutex<Entries>) -> MutexGuard<'_, Entries> {
    entries.lock().unwrap_or_else(PoisonError::into_inner)
}
