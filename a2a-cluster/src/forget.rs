//! Forgetting tasks for good, with all that a store keeps of them: for an operator, who need not be an instance.
//!
//! Lists lag behind commits, and a task that changes while a page is read may be missing on it. So all is looked through
//! again, after a pause, until nothing more is found.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use a2a::TaskState;
use a2a_core::{
    BackendError, Principal, Purged, PushConfigs, Result, TaskHead, TaskKey, TaskQuery, TaskStore, Tenant,
    reduce,
};
use futures::future;
use futures::stream::{self, StreamExt};
use tokio::time::sleep;

/// How many tasks are removed at once.
const AT_ONCE: usize = 16;
/// How many names, or records of deliveries, make a page.
const PAGE: usize = 100;
/// Between two looks: longer than lists usually lag.
const PAUSE: Duration = Duration::from_secs(1);

/// What is to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forget {
    /// One task, of whichever caller.
    Task(TaskKey),
    /// All tasks of a caller, or of one of its contexts.
    Tasks {
        /// Of this tenant.
        tenant: Tenant,
        /// Created by this caller; `None` means those that were created without one.
        principal: Option<Principal>,
        /// In this context only.
        context_id: Option<String>,
    },
}

/// A task that was found, and what became of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Forgotten {
    /// The task.
    pub task: TaskKey,
    /// Its state; `None` where it cannot be read, or has expired.
    pub state: Option<TaskState>,
    /// An agent was at work on it. It goes on until its next commit, which finds the task gone.
    pub runs: bool,
    /// How many of its deliveries to webhooks were on the list of those that were given up.
    pub given_up: usize,
    /// What became of it.
    pub outcome: ForgetOutcome,
}

/// What became of a task.
#[derive(Debug)]
pub enum ForgetOutcome {
    /// It is there; nothing was done.
    Found,
    /// It is gone, and nothing of it is left.
    Gone,
    /// It is gone, but for a mark without content, which the store keeps until nobody can write to the task any more.
    Marked,
    /// It is there, or some of it: it could not be removed.
    Failed(BackendError),
}

/// Finds tasks, and removes them for good where it is to `apply` that; tells each as it is dealt with, in no order. A task
/// that cannot be removed is passed over, and told once it has failed to the end.
///
/// Whoever is told may break off: what has begun is done before this returns. Where the process is killed, some tasks may be left
/// half removed, which no list names; [`Forget::Task`] removes the rest of one, and it expires otherwise.
///
/// # Errors
///
/// Those of reading names and given-up deliveries: then not all was found.
pub async fn forget<S: TaskStore + PushConfigs + ?Sized>(
    store: &S,
    what: &Forget,
    apply: bool,
    tell: &mut (dyn FnMut(&Forgotten) -> ControlFlow<()> + Send),
) -> Result<ControlFlow<()>> {
    let mut work = Work { store, apply, tell, marked: BTreeSet::new(), failed: BTreeMap::new() };
    for pass in 0.. {
        if pass > 0 {
            sleep(PAUSE).await;
        }
        let pass = match work.pass(what).await {
            Ok(found) => (pass, found),
            Err(error) => {
                // What could not be removed is told all the same.
                let _ = work.failed.values().try_for_each(&mut work.tell);
                return Err(error);
            }
        };
        match pass.1 {
            Some(found) if apply && (found > 0 || pass.0 == 0) => {}
            Some(_) => break,
            None => return Ok(ControlFlow::Break(())),
        }
    }
    let Work { failed, tell, .. } = work;
    Ok(failed.values().try_for_each(tell))
}

/// What is done, and what is left to do.
struct Work<'a, S: ?Sized> {
    store: &'a S,
    apply: bool,
    tell: &'a mut (dyn FnMut(&Forgotten) -> ControlFlow<()> + Send),
    /// Tasks that somebody may have written to while they were removed.
    marked: BTreeSet<TaskKey>,
    failed: BTreeMap<TaskKey, Forgotten>,
}

/// Config ids of given-up deliveries, by their tasks.
type GivenUp = BTreeMap<TaskKey, Vec<String>>;

impl<S: TaskStore + PushConfigs + ?Sized> Work<'_, S> {
    /// Looks through everything once. Returns how many tasks were found; `None` where it was broken off.
    async fn pass(&mut self, what: &Forget) -> Result<Option<usize>> {
        let given_up = given_up(self.store).await?;
        let mut query = match what {
            Forget::Task(key) => return Ok(self.all(vec![key.clone()], &given_up, false).await),
            Forget::Tasks { tenant, principal, context_id } => TaskQuery {
                context_id: context_id.clone(),
                ..TaskQuery::new(tenant.clone(), principal.clone(), PAGE)
            },
        };
        // What failed may be in no list any more: its head went first.
        let mut again = std::mem::take(&mut self.marked);
        again.extend(self.failed.keys().cloned());
        let again = again.into_iter().collect();
        let Some(mut found) = self.all(again, &given_up, false).await else { return Ok(None) };
        loop {
            let page = self.store.list_keys(&query).await?;
            match self.all(page.keys, &given_up, true).await {
                Some(more) => found += more,
                None => return Ok(None),
            }
            match page.next {
                None => return Ok(Some(found)),
                next => query.after = next,
            }
        }
    }

    /// Deals with some tasks at once, and tells those that were found. What is listed is there, be it readable or not.
    async fn all(&mut self, keys: Vec<TaskKey>, given_up: &GivenUp, listed: bool) -> Option<usize> {
        let (store, apply) = (self.store, self.apply);
        let is_broken_off = AtomicBool::new(false);
        let mut each = stream::iter(keys)
            .take_while(|_| future::ready(!is_broken_off.load(Ordering::Relaxed)))
            .map(|key| {
                let configs = given_up.get(&key).map(Vec::as_slice).unwrap_or_default();
                one(store, key, configs, listed, apply)
            })
            .buffer_unordered(AT_ONCE);
        let mut found = 0;
        while let Some(forgotten) = each.next().await {
            // What has begun is done: half a task is in no list.
            let Some(forgotten) = forgotten else { continue };
            let key = &forgotten.task;
            if let ForgetOutcome::Failed(_) = forgotten.outcome {
                self.failed.insert(key.clone(), forgotten);
                continue;
            }
            self.failed.remove(key);
            if let ForgetOutcome::Marked = forgotten.outcome {
                self.marked.insert(key.clone());
            }
            found += 1;
            if !is_broken_off.load(Ordering::Relaxed) && (self.tell)(&forgotten).is_break() {
                is_broken_off.store(true, Ordering::Relaxed);
            }
        }
        (!is_broken_off.load(Ordering::Relaxed)).then_some(found)
    }
}

/// Deals with one task. `None` where there is nothing of it.
async fn one<S: TaskStore + PushConfigs + ?Sized>(
    store: &S,
    task: TaskKey,
    given_up: &[String],
    listed: bool,
    apply: bool,
) -> Option<Forgotten> {
    let head = store.head(&task).await;
    let is_absent = matches!(head, Ok(None));
    let head = head.ok().flatten();
    let is_at_work = |head: &TaskHead| head.claim.is_some() && !reduce::ends_turn(&head.state);
    let runs = head.as_ref().is_some_and(is_at_work);
    let outcome = match apply {
        true => removed(store, &task, given_up).await,
        false => (listed || !is_absent).then_some(ForgetOutcome::Found),
    };
    let outcome = match outcome {
        Some(outcome) => outcome,
        None if given_up.is_empty() => return None,
        None if apply => ForgetOutcome::Gone,
        None => ForgetOutcome::Found,
    };
    Some(Forgotten { task, state: head.map(|head| head.state), runs, given_up: given_up.len(), outcome })
}

/// Removes one task, and first what is listed of it: that is found by the task.
async fn removed<S: TaskStore + PushConfigs + ?Sized>(
    store: &S,
    task: &TaskKey,
    given_up: &[String],
) -> Option<ForgetOutcome> {
    for config_id in given_up {
        if let Err(error) = store.forget_given_up(task, config_id).await {
            return Some(ForgetOutcome::Failed(error));
        }
    }
    match store.purge(task).await {
        Ok(Purged::Absent) => None,
        Ok(Purged::Gone) => Some(ForgetOutcome::Gone),
        Ok(Purged::Marked) => Some(ForgetOutcome::Marked),
        Err(error) => Some(ForgetOutcome::Failed(error)),
    }
}

/// Reads all deliveries that were given up: what is left of a config that is gone is named nowhere else.
async fn given_up<S: PushConfigs + ?Sized>(store: &S) -> Result<GivenUp> {
    let (mut all, mut after) = (GivenUp::new(), None);
    loop {
        let page = store.given_up(after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = Some((last.task.clone(), last.config_id.clone()));
        for delivery in page {
            all.entry(delivery.task).or_default().push(delivery.config_id);
        }
    }
}
