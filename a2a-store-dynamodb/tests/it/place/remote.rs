//! A handle in a process of its own: the parent's end of it, and what the child does.
//!
//! The child is the very test binary, started again. Lines of JSON go both ways; many calls may be under way.

use std::collections::{BTreeSet, HashMap};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use a2a_core::{
    BackendError, Beat, Commit, Eviction, InstanceId, Member, Membership, Outcome, Principal, PushConfigs,
    PushSubscription, Replay, Result, StoredTask, TaskHead, TaskKey, TaskPage, TaskQuery, TaskStore, Tenant,
    Version,
};
use a2a_store_dynamodb::DynamoDbStore;
use a2a_testkit::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, Stdout};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinSet;

use super::Setup;
use super::words::{Call, CommitCall, Config, Facts, Failure, Fate, Log, Page, Pulse, Stored, Verdict};

/// The variable that tells a child what to open.
const ROLE: &str = "A2A_STORE_TEST_CHILD";

/// The test that a child runs, which calls [`serve`].
const TEST: &str = "across_processes::serves_a_store_when_started_by_another_process";

type Answers = Arc<std::sync::Mutex<HashMap<u64, oneshot::Sender<Box<RawValue>>>>>;

/// A handle that lives in another process.
#[derive(Debug)]
pub(crate) struct RemoteStore {
    stdin: Mutex<ChildStdin>,
    answers: Answers,
    next: AtomicU64,
    _reader: JoinSet<()>,
    _child: Child,
}

impl RemoteStore {
    pub(crate) async fn start(setup: &Setup) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
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
        RemoteStore { stdin, answers, next: AtomicU64::default(), _reader: reader, _child: child }
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
        Call::Head(key) => told(store.head(&key).await.map(|head| head.map(Facts))),
        Call::Commit(call) => {
            let commit = Commit::new(call.expected, call.id, call.events, &call.task);
            let commit = commit.executor(call.change).created_by(call.principal.as_ref());
            told(store.commit(&call.key, commit).await.map(Fate))
        }
        Call::CommitsAfter(key, version) => told(store.commits_after(&key, version).await.map(Log::from)),
        Call::Watch(key, who) => told(store.watch(&key, &who).await.map(|stored| stored.map(Stored))),
        Call::Watchers(key) => told(store.watchers(&key).await),
        Call::Unwatch(key, who) => told(store.unwatch(&key, &who).await),
        Call::Release(key, who) => told(store.release(&key, &who).await),
        Call::List(query) => told(store.list(&query).await.map(Page::from)),
        Call::ClaimMessage(tenant, principal, message, task, window) => {
            told(store.claim_message(&tenant, principal.as_ref(), &message, &task, window).await)
        }
        Call::Delete(key) => told(store.delete(&key).await),
        Call::Beat(me) => told(store.beat(&me).await.map(Pulse)),
        Call::Roster(after, limit) => told(store.roster(after.as_ref(), limit).await),
        Call::Evict(who, beat) => told(store.evict(&who, beat).await.map(Verdict)),
        Call::Remove(who) => told(store.remove(&who).await),
        Call::Executing(who) => told(store.executing(&who).await),
        Call::SaveConfig(key, config) => told(store.save_config(&key, &config.into()).await),
        Call::GetConfig(key, id) => told(store.get_config(&key, &id).await.map(|one| one.map(Config::from))),
        Call::ListConfigs(key) => told(store.list_configs(&key).await.map(configs::<_, Config>)),
        Call::RemoveConfig(key, id) => told(store.remove_config(&key, &id).await),
        Call::Acknowledge(key, id, version) => told(store.acknowledge(&key, &id, version).await),
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

    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>> {
        let head: Option<Facts> = self.ask(Call::Head(key.clone())).await?;
        Ok(head.map(|head| head.0))
    }

    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let call = CommitCall {
            key: key.clone(),
            expected: commit.expected(),
            id: commit.record().id,
            events: commit.record().events.clone(),
            task: commit.task().clone(),
            change: commit.executor_change(),
            principal: commit.principal().cloned(),
        };
        Ok(self.ask::<Fate>(Call::Commit(Box::new(call))).await?.0)
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

    async fn release(&self, key: &TaskKey, executor: &InstanceId) -> Result<()> {
        self.ask(Call::Release(key.clone(), *executor)).await
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage> {
        Ok(self.ask::<Page>(Call::List(query.clone())).await?.into())
    }

    async fn claim_message(
        &self,
        tenant: &Tenant,
        principal: Option<&Principal>,
        message_id: &str,
        task_id: &str,
        window: Duration,
    ) -> Result<String> {
        let (message, task) = (message_id.to_owned(), task_id.to_owned());
        self.ask(Call::ClaimMessage(tenant.clone(), principal.cloned(), message, task, window)).await
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

    async fn roster(&self, after: Option<&InstanceId>, limit: usize) -> Result<Vec<Member>> {
        self.ask(Call::Roster(after.copied(), limit)).await
    }

    async fn evict(&self, who: &InstanceId, at_beat: u64) -> Result<Eviction> {
        Ok(self.ask::<Verdict>(Call::Evict(*who, at_beat)).await?.0)
    }

    async fn remove(&self, who: &InstanceId) -> Result<()> {
        self.ask(Call::Remove(*who)).await
    }

    async fn executing(&self, who: &InstanceId) -> Result<Vec<TaskKey>> {
        self.ask(Call::Executing(*who)).await
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

    async fn acknowledge(&self, key: &TaskKey, id: &str, version: Version) -> Result<()> {
        self.ask(Call::Acknowledge(key.clone(), id.to_owned(), version)).await
    }
}
