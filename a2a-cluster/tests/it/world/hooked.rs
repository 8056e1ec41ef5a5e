//! A store of tasks whose calls are counted, and of which a test decides, call by call, what becomes of it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use a2a_cluster::{ClusterBuilder, Config};
use a2a_core::{
    BackendError, Claim, Commit, CommitId, InstanceId, Outcome, Principal, Replay, Result, RetryBudget,
    StoredTask, TaskHead, TaskKey, TaskPage, TaskQuery, TaskStore, Tip, Trouble, Version,
};
use a2a_store_memory::MemoryStore;
use a2a_testworld::world::{Bus, World};
use async_trait::async_trait;

/// Starts instances over a store of tasks of which a test decides what becomes of each call.
pub(crate) async fn hooked(instances: usize, bus: Bus, config: Config) -> (Arc<Hooked>, World) {
    hooked_over(MemoryStore::new(), instances, bus, config).await
}

/// Starts instances over a store of one's own, of which a test decides what becomes of each call.
pub(crate) async fn hooked_over(
    inner: MemoryStore,
    instances: usize,
    bus: Bus,
    config: Config,
) -> (Arc<Hooked>, World) {
    let store = Hooked::over(Arc::new(inner));
    let prepare = |builder: ClusterBuilder| {
        builder.config(config.clone()).store(store.inner.clone()).tasks(store.clone())
    };
    let mut world = World::build(instances, bus, prepare).await;
    world.store = Arc::clone(&store.inner);
    (store, world)
}

/// Which call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Commit,
    Fence,
    Load,
    Head,
    Read,
    Watch,
    Watchers,
    Release,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    /// It fails, is not applied, and may be tried again.
    Refused,
    /// It fails, is not applied, and may be tried again once less is asked.
    Throttled,
    /// It fails, and always will.
    Rejected,
    /// It fails, because so many bytes are more than so many.
    TooLarge(usize, usize),
    /// It is the commit of a task that cannot be created.
    Conflict,
    /// It is not applied, and never answered.
    Hangs,
    /// It is applied, and its answer is lost.
    AnswerLost,
    /// It is applied and answered after this time.
    Late(u64),
    /// It is a commit to a task that exists, is never answered, and is applied after this time, whoever has left by then.
    AppliedLate(u64),
    /// It is applied at once, and answered after this time.
    AnsweredLate(u64),
    /// It turns out to be too large after this time.
    TooLargeLate(u64),
}

type Decide = dyn FnMut(Call, &TaskKey, Option<&Commit<'_>>) -> Fate + Send;

/// The wrapper.
pub(crate) struct Hooked {
    pub(crate) inner: Arc<MemoryStore>,
    calls: AtomicUsize,
    decide: Mutex<Box<Decide>>,
}

impl Hooked {
    /// Answers everything, for now.
    pub(crate) fn over(inner: Arc<MemoryStore>) -> Arc<Self> {
        let decide: Box<Decide> = Box::new(|_, _, _| Fate::Answered);
        Arc::new(Hooked { inner, calls: AtomicUsize::new(0), decide: Mutex::new(decide) })
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    fn counted(&self) -> &MemoryStore {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &self.inner
    }

    /// Decides like this from now on.
    pub(crate) fn set(
        &self,
        decide: impl FnMut(Call, &TaskKey, Option<&Commit<'_>>) -> Fate + Send + 'static,
    ) {
        *self.decide.lock().unwrap() = Box::new(decide);
    }

    /// Lets all calls of these kinds have this fate from now on.
    pub(crate) fn all(&self, calls: &'static [Call], fate: Fate) {
        self.set(move |call, _, _| if calls.contains(&call) { fate } else { Fate::Answered });
    }

    /// Answers everything again.
    pub(crate) fn heal(&self) {
        self.set(|_, _, _| Fate::Answered);
    }

    async fn call<T>(
        &self,
        call: Call,
        key: &TaskKey,
        commit: Option<&Commit<'_>>,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let fate = self.fate(call, key, commit);
        self.meet(fate, key, commit, work).await
    }

    fn fate(&self, call: Call, key: &TaskKey, commit: Option<&Commit<'_>>) -> Fate {
        self.counted();
        (self.decide.lock().unwrap())(call, key, commit)
    }

    async fn meet<T>(
        &self,
        fate: Fate,
        key: &TaskKey,
        commit: Option<&Commit<'_>>,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        match fate {
            Fate::Answered => work.await,
            Fate::Conflict => panic!("only commits conflict"),
            Fate::TooLarge(actual, limit) => Err(BackendError::TooLarge { what: "a commit", actual, limit }),
            Fate::Refused => Err(BackendError::Unavailable("refused".into())),
            Fate::Throttled => Err(BackendError::unavailable(Trouble::Throttled, "throttled")),
            Fate::Rejected => Err(BackendError::rejected("rejected")),
            Fate::Hangs => std::future::pending().await,
            Fate::AppliedLate(millis) => {
                let (inner, key) = (Arc::clone(&self.inner), key.clone());
                let commit = commit.expect("only commits are applied late");
                let (record, task) = (Arc::clone(commit.record()), commit.task().clone());
                let change = commit.claim_change();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(millis)).await;
                    let tip = inner.load(&key).await.unwrap().unwrap().tip();
                    let commit = Commit::new(tip, record.id, record.events.clone(), &task).claim(change);
                    inner.commit(&key, commit).await.unwrap()
                });
                std::future::pending().await
            }
            Fate::AnswerLost => work.await.and(Err(BackendError::Indeterminate("lost".into()))),
            Fate::Late(millis) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                work.await
            }
            Fate::AnsweredLate(millis) => {
                let answer = work.await;
                tokio::time::sleep(Duration::from_millis(millis)).await;
                answer
            }
            Fate::TooLargeLate(millis) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                Err(BackendError::TooLarge { what: "a commit", actual: 2, limit: 1 })
            }
        }
    }
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooked").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[async_trait]
impl TaskStore for Hooked {
    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        match self.fate(Call::Commit, key, Some(&commit)) {
            Fate::Conflict => Ok(Outcome::Conflict { actual: Version::ABSENT }),
            fate => self.meet(fate, key, Some(&commit.clone()), self.inner.commit(key, commit)).await,
        }
    }

    async fn load(&self, key: &TaskKey) -> Result<Option<StoredTask>> {
        self.call(Call::Load, key, None, self.inner.load(key)).await
    }

    async fn load_for(&self, key: &TaskKey, principal: Option<&Principal>) -> Result<Option<StoredTask>> {
        self.call(Call::Load, key, None, self.inner.load_for(key, principal)).await
    }

    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>> {
        self.call(Call::Head, key, None, self.inner.head(key)).await
    }

    async fn fence(&self, key: &TaskKey, id: CommitId) -> Result<Option<Tip>> {
        self.call(Call::Fence, key, None, self.inner.fence(key, id)).await
    }

    fn commit_spacing(&self) -> Duration {
        self.inner.commit_spacing()
    }

    fn use_budget(&self, budget: &RetryBudget) {
        self.inner.use_budget(budget);
    }

    async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay> {
        self.call(Call::Read, key, None, self.inner.commits_after(key, after)).await
    }

    async fn watch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<Option<StoredTask>> {
        self.call(Call::Watch, key, None, self.inner.watch(key, watcher)).await
    }

    async fn watchers(&self, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        self.call(Call::Watchers, key, None, self.inner.watchers(key)).await
    }

    async fn unwatch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<()> {
        self.counted().unwatch(key, watcher).await
    }

    async fn release(&self, key: &TaskKey, claim: &Claim) -> Result<()> {
        self.call(Call::Release, key, None, self.inner.release(key, claim)).await
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage> {
        self.counted().list(query).await
    }

    async fn delete(&self, key: &TaskKey) -> Result<bool> {
        self.counted().delete(key).await
    }
}
