//! A handle in a process of its own: the parent's end of it, and what the child does.
//!
//! The child is the very test binary, started again. Lines of JSON go both ways; many calls may be under way.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use a2a_core::{
    BackendError, Beat, Claim, Commit, Deployment, Eviction, ExecutingPage, Format, GivenUpCursor,
    GivenUpDelivery, InstanceId, Keys, Member, Membership, Outcome, Principal, PushConfigs, PushDelivery,
    PushProgress, PushSubscription, Replay, Result, StoredTask, TaskHead, TaskKey, TaskPage, TaskQuery,
    TaskStore, Version,
};
use a2a_store_dynamodb::DynamoDbStore;
use a2a_testkit::async_trait;
use a2a_testkit::sample::Draft;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, Stdout};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinSet;

use super::Setup;
use super::words::{
    Call, CommitCall, Config, Executing, Facts, Failure, Fate, Formatted, GivenUp, Log, Page, Pulse, Ring,
    Stored, Verdict,
};

/// The variable that tells a child what to open.
const ROLE: &str = "A2A_STORE_TEST_CHILD";

/// The variable that names the test binary of another build, which children then are: two builds on one table.
const OTHER_BUILD: &str = "A2A_OTHER_BUILD";

/// The test that a child runs, which calls [`serve`].
const TEST: &str = "across_processes::serves_a_store_when_started_by_another_process";

type Answers = Arc<std::sync::Mutex<HashMap<u64, oneshot::Sender<Box<RawValue>>>>>;

/// A handle that lives in another process.
#[derive(Debug)]
pub(crate) struct RemoteStore {
    stdin: Mutex<ChildStdin>,
    answers: Answers,
    next: AtomicU64,
    spacing: Duration,
    _reader: JoinSet<()>,
    _child: Child,
}

impl RemoteStore {
    pub(crate) async fn start(setup: &Setup) -> Self {
        let program = std::env::var_os(OTHER_BUILD).map(PathBuf::from);
        let program = program.unwrap_or_else(|| std::env::current_exe().unwrap());
        let mut child = Command::new(program)
            .args(["--exact", TEST, "--nocapture", "--quiet"])
            .env(ROLE, serde_json::to_string(setup).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let answers = Answers::default();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut reader = JoinSet::new();
        reader.spawn(read(lines, Arc::clone(&answers)));
        let stdin = Mutex::new(child.stdin.take().unwrap());
        let (next, spacing) = (AtomicU64::default(), Duration::ZERO);
        let mut store = RemoteStore { stdin, answers, next, spacing, _reader: reader, _child: child };
        store.spacing = store.ask(Call::CommitSpacing).await.unwrap();
        store
    }

    async fn ask<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        self.answers.lock().unwrap().insert(id, sender);
        let line = format!("{}\n", serde_json::to_string(&(id, call)).unwrap());
        self.stdin.lock().await.write_all(line.as_bytes()).await.unwrap();
        let answer = answer.await.unwrap();
        let answer: Result<T, Failure> = serde_json::from_str(answer.get()).unwrap();
        answer.map_err(BackendError::from)
    }
}

/// Hands answers to those who asked; at the end of the child, nobody waits for it any more.
async fn read(mut lines: Lines<BufReader<ChildStdout>>, answers: Answers) {
    while let Ok(Some(line)) = lines.next_line().await {
        // The test runner in the child has something to say, too.
        let Ok((id, answer)) = serde_json::from_str::<(u64, Box<RawValue>)>(&line) else { continue };
        let asked = answers.lock().unwrap().remove(&id);
        asked.into_iter().for_each(|asked| drop(asked.send(answer.clone())));
    }
    answers.lock().unwrap().clear();
}

/// The child's part: opens a handle and answers calls until its input ends. Does nothing in a common test run.
pub(crate) async fn serve() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let setup: Setup = serde_json::from_str(&role).unwrap();
    let store = Arc::new(setup.open().await);
    let out = Arc::new(Mutex::new(tokio::io::stdout()));
    say(&out, String::new()).await;
    let mut calls = JoinSet::new();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        let (id, call): (u64, Call) = serde_json::from_str(&line).unwrap();
        let (store, out) = (Arc::clone(&store), Arc::clone(&out));
        calls.spawn(async move {
            let answer = answer(&store, call).await;
            say(&out, format!("[{id},{answer}]")).await;
        });
        while calls.try_join_next().is_some() {}
    }
    calls.join_all().await;
}

/// Whether the parent still listens is its own affair.
async fn say(out: &Mutex<Stdout>, line: String) {
    let mut out = out.lock().await;
    let _ = out.write_all(format!("{line}\n").as_bytes()).await;
    let _ = out.flush().await;
}

async fn answer(store: &DynamoDbStore, call: Call) -> String {
    match call {
        Call::Load(key) => told(store.load(&key).await.map(|stored| stored.map(Stored))),
        Call::LoadFor(key, principal) => {
            told(store.load_for(&key, principal.as_ref()).await.map(|stored| stored.map(Stored)))
        }
        Call::Head(key) => told(store.head(&key).await.map(|head| head.map(Facts))),
        Call::Commit(call) => {
            let commit = Commit::new(call.after, call.id, call.events, &call.task).claim(call.change);
            let commit = commit.created_by(call.principal.as_ref()).called_by(call.caller.as_ref());
            told(store.commit(&call.key, commit).await.map(Fate))
        }
        Call::CommitSpacing => told(Ok(store.commit_spacing())),
        Call::CommitsAfter(key, version) => told(store.commits_after(&key, version).await.map(Log::from)),
        Call::Watch(key, who) => told(store.watch(&key, &who).await.map(|stored| stored.map(Stored))),
        Call::Watchers(key) => told(store.watchers(&key).await),
        Call::Unwatch(key, who) => told(store.unwatch(&key, &who).await),
        Call::Release(key, claim) => told(store.release(&key, &claim).await),
        Call::List(query) => told(store.list(&query).await.map(Page::from)),
        Call::Delete(key) => told(store.delete(&key).await),
        Call::Beat(me) => told(store.beat(&me).await.map(Pulse)),
        Call::Member(who) => told(store.member(&who).await),
        Call::Roster(after, limit) => told(store.roster(after.as_ref(), limit).await),
        Call::Evict(who, beat) => told(store.evict(&who, beat).await.map(Verdict)),
        Call::Remove(who) => told(store.remove(&who).await),
        Call::Executing(who, after) => told(store.executing(&who, after.as_ref()).await.map(Executing)),
        Call::SaveConfig(key, config) => told(store.save_config(&key, &config.into()).await),
        Call::GetConfig(key, id) => told(store.get_config(&key, &id).await.map(|one| one.map(Config::from))),
        Call::ListConfigs(key) => told(store.list_configs(&key).await.map(configs::<_, Config>)),
        Call::RemoveConfig(key, id) => told(store.remove_config(&key, &id).await),
        Call::BeginDelivery(key, delivery) => told(store.begin_delivery(&key, &delivery).await),
        Call::Acknowledge(key, delivery, progress) => {
            told(store.acknowledge(&key, &delivery, progress).await)
        }
        Call::GiveUp(delivery) => told(store.give_up(&delivery.0).await),
        Call::GivenUp(after, limit) => {
            let found = store.given_up(after.as_ref(), limit).await;
            told(found.map(|found| found.into_iter().map(GivenUp).collect::<Vec<_>>()))
        }
        Call::ForgetGivenUp(key, id) => told(store.forget_given_up(&key, &id).await),
        Call::Format => told(store.format().await.map(Formatted::from)),
        Call::Keys(name, secret) => told(store.keys(&name, secret).await.map(Ring::from)),
        Call::RenewKey(name, from, secret) => {
            told(store.renew_key(&name, from, secret).await.map(Ring::from))
        }
    }
}

fn told<T: Serialize>(result: Result<T>) -> String {
    serde_json::to_string(&result.map_err(Failure::from)).unwrap()
}

fn configs<A: Into<B>, B>(configs: Vec<A>) -> Vec<B> {
    configs.into_iter().map(Into::into).collect()
}

#[async_trait]
impl TaskStore for RemoteStore {
    async fn load(&self, key: &TaskKey) -> Result<Option<StoredTask>> {
        let stored: Option<Stored> = self.ask(Call::Load(key.clone())).await?;
        Ok(stored.map(|stored| stored.0))
    }

    async fn load_for(&self, key: &TaskKey, principal: Option<&Principal>) -> Result<Option<StoredTask>> {
        let call = Call::LoadFor(key.clone(), principal.cloned());
        let stored: Option<Stored> = self.ask(call).await?;
        Ok(stored.map(|stored| stored.0))
    }

    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>> {
        let head: Option<Facts> = self.ask(Call::Head(key.clone())).await?;
        Ok(head.map(|head| head.0))
    }

    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let Draft { after, id, events, task, change, principal, caller } = Draft::of(&commit);
        let call = CommitCall { key: key.clone(), after, id, events, task, change, principal, caller };
        Ok(self.ask::<Fate>(Call::Commit(Box::new(call))).await?.0)
    }

    fn commit_spacing(&self) -> Duration {
        self.spacing
    }

    async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay> {
        Ok(self.ask::<Log>(Call::CommitsAfter(key.clone(), after)).await?.into())
    }

    async fn watch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<Option<StoredTask>> {
        let stored: Option<Stored> = self.ask(Call::Watch(key.clone(), *watcher)).await?;
        Ok(stored.map(|stored| stored.0))
    }

    async fn watchers(&self, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        self.ask(Call::Watchers(key.clone())).await
    }

    async fn unwatch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<()> {
        self.ask(Call::Unwatch(key.clone(), *watcher)).await
    }

    async fn release(&self, key: &TaskKey, claim: &Claim) -> Result<()> {
        self.ask(Call::Release(key.clone(), *claim)).await
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage> {
        Ok(self.ask::<Page>(Call::List(query.clone())).await?.into())
    }

    async fn delete(&self, key: &TaskKey) -> Result<bool> {
        self.ask(Call::Delete(key.clone())).await
    }
}

#[async_trait]
impl Membership for RemoteStore {
    async fn beat(&self, me: &Member) -> Result<Beat> {
        Ok(self.ask::<Pulse>(Call::Beat(me.clone())).await?.0)
    }

    async fn member(&self, who: &InstanceId) -> Result<Option<Member>> {
        self.ask(Call::Member(*who)).await
    }

    async fn roster(&self, after: Option<&InstanceId>, limit: usize) -> Result<Vec<Member>> {
        self.ask(Call::Roster(after.copied(), limit)).await
    }

    async fn evict(&self, who: &InstanceId, at_beat: u64) -> Result<Eviction> {
        Ok(self.ask::<Verdict>(Call::Evict(*who, at_beat)).await?.0)
    }

    async fn remove(&self, who: &InstanceId) -> Result<()> {
        self.ask(Call::Remove(*who)).await
    }

    async fn executing(&self, who: &InstanceId, after: Option<&TaskKey>) -> Result<ExecutingPage> {
        Ok(self.ask::<Executing>(Call::Executing(*who, after.cloned())).await?.0)
    }
}

#[async_trait]
impl PushConfigs for RemoteStore {
    async fn save_config(&self, key: &TaskKey, subscription: &PushSubscription) -> Result<()> {
        self.ask(Call::SaveConfig(key.clone(), subscription.clone().into())).await
    }

    async fn get_config(&self, key: &TaskKey, id: &str) -> Result<Option<PushSubscription>> {
        let config: Option<Config> = self.ask(Call::GetConfig(key.clone(), id.to_owned())).await?;
        Ok(config.map(Into::into))
    }

    async fn list_configs(&self, key: &TaskKey) -> Result<Vec<PushSubscription>> {
        Ok(configs(self.ask::<Vec<Config>>(Call::ListConfigs(key.clone())).await?))
    }

    async fn remove_config(&self, key: &TaskKey, id: &str) -> Result<()> {
        self.ask(Call::RemoveConfig(key.clone(), id.to_owned())).await
    }

    async fn begin_delivery(&self, key: &TaskKey, delivery: &PushDelivery) -> Result<Option<PushProgress>> {
        self.ask(Call::BeginDelivery(key.clone(), delivery.clone())).await
    }

    async fn acknowledge(
        &self,
        key: &TaskKey,
        delivery: &PushDelivery,
        progress: PushProgress,
    ) -> Result<bool> {
        self.ask(Call::Acknowledge(key.clone(), delivery.clone(), progress)).await
    }

    async fn give_up(&self, delivery: &GivenUpDelivery) -> Result<()> {
        self.ask(Call::GiveUp(GivenUp(delivery.clone()))).await
    }

    async fn given_up(&self, after: Option<&GivenUpCursor>, limit: usize) -> Result<Vec<GivenUpDelivery>> {
        let found: Vec<GivenUp> = self.ask(Call::GivenUp(after.cloned(), limit)).await?;
        Ok(found.into_iter().map(|delivery| delivery.0).collect())
    }

    async fn forget_given_up(&self, key: &TaskKey, id: &str) -> Result<()> {
        self.ask(Call::ForgetGivenUp(key.clone(), id.to_owned())).await
    }
}

#[async_trait]
impl Deployment for RemoteStore {
    async fn format(&self) -> Result<Format> {
        Ok(self.ask::<Formatted>(Call::Format).await?.into())
    }

    async fn keys(&self, name: &str, secret: [u8; 32]) -> Result<Keys> {
        Ok(self.ask::<Ring>(Call::Keys(name.to_owned(), secret)).await?.into())
    }

    async fn renew_key(&self, name: &str, from: u32, secret: [u8; 32]) -> Result<Keys> {
        Ok(self.ask::<Ring>(Call::RenewKey(name.to_owned(), from, secret)).await?.into())
    }
}
