//! What a handle brings up to date behind its requests: the status of a turn that goes on, and heads that are behind
//! their logs because their writers died.
//!
//! Nobody waits for it. Each task has one writer at a time, which comes again with growing pauses where it fails, and has
//! nothing to do where somebody else was faster. All are gone when the handle is dropped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use a2a_core::{Result, Version};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// For how many tasks there may be something to do.
const MOST: usize = 20_000;

/// The longest pause before something is tried again.
const LONGEST: Duration = Duration::from_secs(300);

/// What is to be done, and by whom.
#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    due: Arc<Due>,
    writers: Mutex<JoinSet<()>>,
}

/// What is to be done, by partition.
#[derive(Debug, Default)]
struct Due(Mutex<HashMap<String, Work>>);

/// What is to be done for one task.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    /// Its head lacks the status of this version.
    Status(Version, Box<UpdateItemFluentBuilder>),
    /// Its head is behind its log, or lacks a snapshot.
    Repair,
}

impl Upkeep {
    /// Has something done after a pause, and again while that fails. `false` where there is too much to do.
    pub(crate) fn begin<P, F>(&self, pk: &str, work: Work, first: Duration, perform: P) -> bool
    where
        P: Fn(Work) -> F + Send + 'static,
        F: Future<Output = Result<()>> + Send,
    {
        {
            let mut due = self.due.lock();
            if due.len() >= MOST && !due.contains_key(pk) {
                return false;
            }
            // Whoever is there already finds it when its pause is over.
            if due.insert(pk.to_owned(), work).is_some() {
                return true;
            }
        }
        let (due, pk) = (Arc::clone(&self.due), pk.to_owned());
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        while writers.try_join_next().is_some() {}
        writers.spawn(async move {
            let mut pause = first;
            loop {
                sleep(pause).await;
                let Some(work) = due.get(&pk) else { return };
                match perform(work.clone()).await {
                    Ok(()) if due.finish(&pk, &work) => return,
                    // A later status has come meanwhile.
                    Ok(()) => pause = first,
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, "the head of a task stays behind its log for now");
                        pause = LONGEST.min(pause.max(Duration::from_secs(1)) * 2);
                    }
                }
            }
        });
        true
    }

    /// Takes note that the head of a task is being written, and tells all that was put off.
    pub(crate) fn forget(&self, pk: &str) {
        self.due.lock().remove(pk);
    }
}

impl Due {
    fn get(&self, pk: &str) -> Option<Work> {
        self.lock().get(pk).cloned()
    }

    /// Takes out what was done, unless something else is to be done by now. Tells whether nothing is left.
    fn finish(&self, pk: &str, done: &Work) -> bool {
        let mut due = self.lock();
        let is_same = match (due.get(pk), done) {
            (Some(Work::Status(left, _)), Work::Status(done, _)) => left == done,
            (Some(Work::Repair), Work::Repair) | (None, _) => true,
            (Some(_), _) => false,
        };
        if is_same {
            due.remove(pk);
        }
        is_same
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Work>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
