//! Many writers in several processes on one task, over a bad network: exactly one wins each version, and nothing
//! is lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use a2a::{Part, StreamResponse, Task, TaskState};
use a2a_core::{
    BackendError, ClaimChange, Commit, CommitId, CommitRecord, Outcome, Replay, TaskKey, TaskStore, Tenant,
    Tip, Version, reduce,
};
use a2a_store_dynamodb::{DynamoDbConfig, DynamoDbStore};
use a2a_testkit::sample::{Draft, TaskModel, at, claim, commit_id, instance, status, task};
use futures::future::{join, join_all};

use crate::place;
use crate::place::Place;
use crate::place::remote::RemoteStore;

const WRITERS: u64 = 64;
const HANDLES: u64 = 8;
const SHORT: Duration = Duration::from_millis(10);
const LONG: Duration = Duration::from_secs(4);

/// As many as pass within half a minute on two cores where the server is part of the process; an emulator behind a network
/// would take half an hour for them.
fn commits() -> u64 {
    if place::named_endpoint() { 100 } else { 300 }
}

/// A writer's idea of the task.
struct Writer {
    store: Arc<dyn TaskStore>,
    key: TaskKey,
    task: Option<Task>,
    tip: Tip,
    rng: fastrand::Rng,
    /// The longest pause after a lost race, so that 64 of them do not only lose.
    patience: Duration,
    /// What it was told.
    applied: BTreeMap<Version, CommitId>,
}

impl Writer {
    /// Reads what others have written, up to a version at least.
    async fn catch_up(&mut self, to: Version) {
        while self.tip.version < to {
            match self.store.commits_after(&self.key, self.tip.version).await {
                Ok(Replay::Commits(commits)) if commits.is_empty() => panic!("a log that ends before {to}"),
                Ok(Replay::Commits(commits)) => self.follow(&commits),
                Ok(Replay::Snapshot(stored)) => (self.tip, self.task) = (stored.tip(), Some(stored.task)),
                Err(error) => assert!(error.is_transient(), "{error:?}"),
            }
        }
    }

    fn follow(&mut self, commits: &[Arc<CommitRecord>]) {
        for record in commits {
            let streamed = record.events.iter().filter(|event| reduce::is_streamed(event)).count();
            let generation = self.tip.generation.advanced(streamed);
            let next = Tip { version: self.tip.version.next(), generation };
            assert_eq!(record.tip(), next, "a hole in the log, or a count that is wrong");
            self.tip = next;
        }
        let records = commits.iter().map(|record| &**record);
        self.task = a2a_core::fold(self.task.take(), records).unwrap();
    }

    fn next_events(&mut self) -> (Vec<StreamResponse>, ClaimChange) {
        let Some(known) = &self.task else {
            let new = task(&self.key.task_id, "c", TaskState::Submitted, at(0));
            return (vec![StreamResponse::Task(new)], ClaimChange::Keep);
        };
        let round = i64::try_from(self.tip.version.get()).unwrap();
        match self.rng.u32(0..20) {
            0 => (vec![status(known, TaskState::Working, at(round))], ClaimChange::Keep),
            1 => (vec![status(known, TaskState::InputRequired, at(round))], ClaimChange::End),
            2 => (vec![], claim(instance())),
            _ => {
                let text = format!("{}:{}", self.tip.version, self.rng.u64(..));
                (vec![replaced(known, &text)], ClaimChange::Keep)
            }
        }
    }

    /// Writes until the task has as many commits as the test wants.
    async fn write(mut self) -> Self {
        while self.tip.version.get() < commits() {
            let (events, change) = self.next_events();
            let mut after = self.task.clone();
            let id = commit_id();
            let streamed = events.iter().filter(|event| reduce::is_streamed(event)).count();
            let generation = self.tip.generation.advanced(streamed);
            let next = Tip { version: self.tip.version.next(), generation };
            let record = CommitRecord {
                version: next.version,
                generation: next.generation,
                id,
                events: events.clone(),
            };
            after = a2a_core::fold(after, [&record]).unwrap();
            let after = after.unwrap();
            let outcome = loop {
                let commit = Commit::new(self.tip, id, events.clone(), &after).claim(change);
                match self.store.commit(&self.key, commit).await {
                    Ok(outcome) => break outcome,
                    Err(BackendError::Indeterminate(_) | BackendError::Unavailable(_)) => {}
                    Err(error) => panic!("{error:?}"),
                }
            };
            match outcome {
                Outcome::Applied(version) => {
                    assert_eq!(version, next.version);
                    assert!(self.applied.insert(version, id).is_none(), "told twice of {version}");
                    (self.task, self.tip) = (Some(after), next);
                    self.patience = SHORT;
                }
                Outcome::Conflict { actual } => {
                    assert!(actual > self.tip.version, "lost at {} against {actual}", self.tip.version);
                    tokio::time::sleep(self.patience.mul_f64(self.rng.f64())).await;
                    self.patience = LONG.min(self.patience * 2);
                    self.catch_up(actual).await;
                }
            }
        }
        self
    }
}

/// The commit that creates a task: all of it, or its beginning.
fn creation(model: &TaskModel, is_whole: bool) -> Draft {
    let mut events = vec![StreamResponse::Task(model.task.clone())];
    events.extend(is_whole.then(|| status(&model.task, TaskState::Completed, at(1))));
    model.draft(events)
}

#[test]
fn exactly_one_creation_wins_whether_it_is_the_whole_task_or_its_beginning() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let reader = place.store(|config| config).await;
        for round in 0..30 {
            let model = TaskModel::new(&format!("created {round}"));
            if round % 3 == 2 {
                // In the place of an earlier life, which may itself have been of either kind.
                let earlier = creation(&model, round % 2 == 0);
                assert_eq!(earlier.send(&reader, &model.key).await, Outcome::Applied(Version::new(1)));
                assert!(reader.delete(&model.key).await.unwrap());
            }
            let writing = (0..8_u64).map(|n| {
                let (setup, model) = (place.setup(Some(100 * round + n)), &model);
                async move {
                    let (store, draft) = (setup.open().await, creation(model, n % 2 == 0));
                    let outcome = draft.send(&store, &model.key).await;
                    (draft, outcome)
                }
            });
            let told = join_all(writing).await;
            let won: Vec<&Draft> = told
                .iter()
                .filter(|(_, outcome)| *outcome == Outcome::Applied(Version::new(1)))
                .map(|(draft, _)| draft)
                .collect();
            let [won] = won.as_slice() else { panic!("{} creations of {round} won", won.len()) };
            let lost = Outcome::Conflict { actual: Version::new(1) };
            assert_eq!(told.iter().filter(|(_, outcome)| *outcome == lost).count(), 7, "in {round}");
            let log = reader.commits_after(&model.key, Version::ABSENT).await.unwrap();
            assert_eq!(log, Replay::Commits(vec![Arc::clone(won.commit().record())]));
            assert_eq!(reader.load(&model.key).await.unwrap().unwrap().task, won.task);
        }
    });
}

#[test]
fn a_whole_task_whose_answers_are_lost_is_applied_once_and_told_so() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let network = place::faults::BadNetwork::new(11, 0, 60);
        let client = place.client_with(|builder| builder.interceptor(network)).await;
        let config = DynamoDbConfig::default().attempts(2);
        let lossy = DynamoDbStore::with_client(client, &place.table).with_config(config);
        let (store, mut model) = (place.store(|config| config).await, TaskModel::new("t"));
        let whole = creation(&model, true);
        assert_eq!(whole.send(&lossy, &model.key).await, Outcome::Applied(Version::new(1)));
        model.accept(&whole);
        assert_eq!(whole.send(&store, &model.key).await, Outcome::Applied(Version::new(1)));
        assert_eq!(store.load(&model.key).await.unwrap(), model.stored());

        // Somebody takes it over before the writer has had an answer.
        model.tell_with(&lossy, Vec::new(), claim(instance())).await;
        assert_eq!(whole.send(&lossy, &model.key).await, Outcome::Applied(Version::new(1)));
        assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
        let other = creation(&model, true);
        let other = Draft { after: Tip::ABSENT, ..other };
        assert_eq!(other.send(&lossy, &model.key).await, Outcome::Conflict { actual: Version::new(2) });
    });
}

fn replaced(task: &Task, text: &str) -> StreamResponse {
    StreamResponse::ArtifactUpdate(a2a::TaskArtifactUpdateEvent {
        task_id: task.id.clone(),
        context_id: task.context_id.clone(),
        artifact: a2a::Artifact {
            artifact_id: "a".into(),
            name: None,
            description: None,
            parts: vec![Part::text(text)],
            metadata: None,
            extensions: None,
        },
        append: None,
        last_chunk: None,
        metadata: None,
    })
}

#[test]
fn exactly_one_of_64_writers_wins_each_version_over_a_network_that_loses_requests_and_answers() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let key = TaskKey::new(Tenant::new("acme"), "contended");
        let mut handles = Vec::new();
        for seed in 0..HANDLES {
            let setup = place.setup(Some(seed));
            let handle: Arc<dyn TaskStore> = match seed % 2 {
                0 => Arc::new(setup.open().await),
                _ => Arc::new(RemoteStore::start(&setup).await),
            };
            handles.push(handle);
        }
        let writers = (0..WRITERS).map(|n| Writer {
            store: Arc::clone(&handles[(n % HANDLES) as usize]),
            key: key.clone(),
            task: None,
            tip: Tip::ABSENT,
            rng: fastrand::Rng::with_seed(n),
            patience: SHORT,
            applied: BTreeMap::new(),
        });

        let reader = place.store(|config| config).await;
        let reading = async {
            // A reader meanwhile never sees a task go back, nor one that cannot be.
            let mut seen = Version::ABSENT;
            while seen.get() < commits() {
                if let Some(stored) = reader.load(&key).await.unwrap() {
                    assert!(stored.version >= seen, "from {seen} back to {}", stored.version);
                    seen = stored.version;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let (writers, ()) = join(join_all(writers.map(Writer::write)), reading).await;

        let mut log = Writer {
            store: Arc::new(place.store(|config| config).await),
            key: key.clone(),
            task: None,
            tip: Tip::ABSENT,
            rng: fastrand::Rng::with_seed(0),
            patience: SHORT,
            applied: BTreeMap::new(),
        };
        let mut records = Vec::new();
        loop {
            let Replay::Commits(page) = log.store.commits_after(&key, log.tip.version).await.unwrap() else {
                panic!("a log that is kept was not returned");
            };
            if page.is_empty() {
                break;
            }
            log.follow(&page);
            records.extend(page);
        }
        let mut told = BTreeMap::new();
        for (version, id) in writers.iter().flat_map(|writer| &writer.applied) {
            assert!(told.insert(*version, *id).is_none(), "two writers were told of version {version}");
        }
        let logged: BTreeMap<_, _> = records.iter().map(|record| (record.version, record.id)).collect();
        assert_eq!(told, logged, "what the writers were told is not what the log holds");
        assert!(logged.len() as u64 >= commits());

        let stored = reader.load(&key).await.unwrap().unwrap();
        assert_eq!((stored.tip(), Some(stored.task)), (log.tip, log.task));
        assert_eq!(reader.head(&key).await.unwrap(), Some(stored.head));
    });
}
