//! What a handle brings up to date behind its requests: the status of a turn that goes on, and heads that are behind
//! their logs because their writers died.
//!
//! Nobody waits for it. Each task has one worker, which comes again with growing pauses where it fails, and has nothing to
//! do where somebody else was faster. All are gone when the handle is dropped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use a2a_core::{Result, Version};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// For how many tasks there may be something to do.
const MOST: usize = 20_000;

/// How many heads are repaired at once: each reads all of a task.
const AT_ONCE: usize = 8;

/// The longest pause before something is tried again.
const LONGEST: Duration = Duration::from_secs(300);

/// What is to be done, and by whom.
#[derive(Debug)]
pub(crate) struct Upkeep {
    due: Arc<Due>,
    workers: Mutex<JoinSet<()>>,
    repairs: Arc<Semaphore>,
}

/// What is to be done, by partition: there for as long as its worker.
#[derive(Debug, Default)]
struct Due(Mutex<HashMap<String, Todo>>);

/// What is to be done for one task.
#[derive(Debug, Default, Clone)]
struct Todo {
    /// Its head lacks the status of this version.
    status: Option<(Version, Box<UpdateItemFluentBuilder>)>,
    /// How often it was said that its head is behind its log, since that was last seen to.
    repairs: u32,
    wake: Arc<Notify>,
}

/// Something that is to be done.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    /// The head lacks the status of this version.
    Status(Version, Box<UpdateItemFluentBuilder>),
    /// The head is behind its log, or lacks a snapshot.
    Repair,
}

impl Default for Upkeep {
    fn default() -> Self {
        Upkeep { due: Arc::default(), workers: Mutex::default(), repairs: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Upkeep {
    /// Has something done after a pause, and again while that fails for now. `false` where there is too much to do.
    pub(crate) fn begin<P, F>(&self, pk: &str, work: Work, first: Duration, perform: P) -> bool
    where
        P: Fn(Work) -> F + Send + Sync + 'static,
        F: Future<Output = Result<()>> + Send,
    {
        let wake = match self.due.add(pk, work) {
            Added::New(wake) => wake,
            Added::ToOther => return true,
            Added::Not => return false,
        };
        let place = Place { due: Arc::clone(&self.due), pk: pk.to_owned(), wake };
        let repairs = Arc::clone(&self.repairs);
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        while workers.try_join_next().is_some() {}
        workers.spawn(async move {
            let mut pause = first;
            while let Some(todo) = place.wait(pause, first).await {
                match place.perform(&todo, &repairs, &perform).await {
                    Ok(()) if place.finish(&todo) => return,
                    // Something else has come meanwhile.
                    Ok(()) => pause = first,
                    Err(error) if error.is_transient() => {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, "the head of a task stays behind its log for now");
                        pause = LONGEST.min(pause.max(Duration::from_secs(1)) * 2);
                    }
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(error, "the head of a task stays behind its log");
                        return;
                    }
                }
            }
        });
        true
    }

    /// Takes note that the head of a task is being written, and tells the status that was put off.
    pub(crate) fn forget_status(&self, pk: &str) {
        if let Some(todo) = self.due.lock().get_mut(pk) {
            todo.status = None;
        }
    }
}

/// What became of something that is to be done.
enum Added {
    /// A worker is to be made for it, which this wakes.
    New(Arc<Notify>),
    /// A worker has it.
    ToOther,
    /// There is too much to do.
    Not,
}

impl Due {
    /// Adds something. Tells whether a worker is to be made for it, and what wakes that.
    fn add(&self, pk: &str, work: Work) -> Added {
        let mut due = self.lock();
        let is_new = !due.contains_key(pk);
        if is_new && due.len() >= MOST {
            return Added::Not;
        }
        let todo = due.entry(pk.to_owned()).or_default();
        match work {
            Work::Status(version, request) => {
                todo.status = Some((version, request));
                // One that waits because it failed does not let this one wait as long.
                todo.wake.notify_one();
            }
            // What failed is not tried sooner because more have seen it.
            Work::Repair => todo.repairs = todo.repairs.saturating_add(1),
        }
        if is_new { Added::New(Arc::clone(&todo.wake)) } else { Added::ToOther }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Todo>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A worker's place, which is free once it is gone, however that comes.
struct Place {
    due: Arc<Due>,
    pk: String,
    wake: Arc<Notify>,
}

impl Place {
    /// Waits, and no longer than `first` once something new has come. `None` where nothing is to be done.
    async fn wait(&self, pause: Duration, first: Duration) -> Option<Todo> {
        if pause > first {
            tokio::select! {
                () = sleep(self.uneven(pause)) => {}
                () = self.wake.notified() => sleep(first).await,
            }
        } else {
            sleep(pause).await;
        }
        self.due.lock().get(&self.pk).cloned()
    }

    async fn perform<P, F>(&self, todo: &Todo, repairs: &Semaphore, perform: &P) -> Result<()>
    where
        P: Fn(Work) -> F + Sync,
        F: Future<Output = Result<()>> + Send,
    {
        if let Some((version, request)) = &todo.status {
            perform(Work::Status(*version, request.clone())).await?;
        }
        if todo.repairs > 0 {
            let _permit = repairs.acquire().await;
            perform(Work::Repair).await?;
        }
        Ok(())
    }

    /// Takes out what was done. Tells whether nothing is left.
    fn finish(&self, done: &Todo) -> bool {
        let mut due = self.due.lock();
        let Some(todo) = due.get_mut(&self.pk) else { return true };
        let version = |todo: &Todo| todo.status.as_ref().map(|(version, _)| *version);
        if version(todo) == version(done) {
            todo.status = None;
        }
        todo.repairs = todo.repairs.saturating_sub(done.repairs);
        let is_empty = todo.status.is_none() && todo.repairs == 0;
        if is_empty {
            due.remove(&self.pk);
        }
        is_empty
    }

    /// Spreads the pauses of many that failed together.
    fn uneven(&self, pause: Duration) -> Duration {
        let sum = self.pk.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        pause.mul_f64(0.5 + f64::from(sum % 1000) / 1000.0)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut due = self.due.lock();
        // Another worker may have the place by now.
        if due.get(&self.pk).is_some_and(|todo| Arc::ptr_eq(&todo.wake, &self.wake)) {
            due.remove(&self.pk);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use a2a_core::BackendError;
    use tokio::time::{Instant, advance};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn begin(upkeep: &Upkeep, made: &Arc<AtomicU32>, fails: u32) -> bool {
        let made = Arc::clone(made);
        upkeep.begin("t", Work::Repair, SECOND, move |_| {
            let n = made.fetch_add(1, Ordering::SeqCst);
            async move {
                match n < fails {
                    true => Err(BackendError::Unavailable("not now".into())),
                    false => Ok(()),
                }
            }
        })
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_for_now_is_tried_less_and_less_often_by_one_worker() {
        let (upkeep, made) = (Upkeep::default(), Arc::new(AtomicU32::new(0)));
        assert!(begin(&upkeep, &made, u32::MAX));
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(600) {
            advance(SECOND).await;
            tokio::task::yield_now().await;
        }
        assert!((5..20).contains(&made.load(Ordering::SeqCst)), "{made:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_asked_for_again_while_it_is_done_is_done_again_and_then_nothing_is_left() {
        let (upkeep, made) = (Upkeep::default(), Arc::new(AtomicU32::new(0)));
        assert!(begin(&upkeep, &made, 0));
        assert!(begin(&upkeep, &made, 0), "by the same worker");
        sleep(3 * SECOND).await;
        assert_eq!(made.load(Ordering::SeqCst), 1, "once for both");
        assert!(upkeep.due.lock().is_empty());
        assert!(begin(&upkeep, &made, 0));
        sleep(3 * SECOND).await;
        assert_eq!(made.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_panics_leaves_its_place() {
        let upkeep = Upkeep::default();
        assert!(upkeep.begin("t", Work::Repair, SECOND, |_| async { panic!("as planned") }));
        sleep(2 * SECOND).await;
        assert!(upkeep.due.lock().is_empty());
    }
}
