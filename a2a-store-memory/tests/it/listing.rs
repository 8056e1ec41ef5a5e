//! Lists against a model that looks at every task.

use a2a::{StreamResponse, Task, TaskState};
use a2a_core::{Commit, Cursor, Outcome, Principal, TaskKey, TaskQuery, TaskStore, Tenant, Tip};
use a2a_store_memory::MemoryStore;
use a2a_testkit::sample::{at, commit_id, status, task};
use chrono::{DateTime, Utc};
use proptest::prelude::*;

const STATES: [TaskState; 3] = [TaskState::Working, TaskState::InputRequired, TaskState::Completed];

/// One task's life: whose it is, when and how it begins, and what becomes of it.
#[derive(Debug, Clone)]
struct Life {
    owner: (u8, Option<u8>),
    context: u8,
    began: Option<i64>,
    later: Vec<(usize, i64)>,
    deleted: bool,
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let life = (
        (0_u8..2, prop::option::of(0_u8..2)),
        0_u8..3,
        prop::option::of(0_i64..5),
        prop::collection::vec((0..STATES.len(), 0_i64..10), 0..4),
        prop::bool::weighted(0.1),
    );
    let life = life.prop_map(|(owner, context, began, later, deleted)| Life {
        owner,
        context,
        began,
        later,
        deleted,
    });
    prop::collection::vec(life, 0..30)
}

fn queries() -> impl Strategy<Value = TaskQuery> {
    let filters = (
        prop::option::of(0_u8..3),
        prop::option::of(prop::sample::select(STATES.to_vec())),
        prop::option::of(prop_oneof![(0_i64..10).prop_map(at), Just(DateTime::UNIX_EPOCH)]),
    );
    ((0_u8..2, prop::option::of(0_u8..2)), filters, 1_usize..6, any::<bool>()).prop_map(
        |((tenant, principal), (context, state, since), limit, artifacts)| TaskQuery {
            context_id: context.map(|context| context.to_string()),
            state,
            updated_since: since,
            artifacts,
            ..TaskQuery::new(Tenant::new(tenant.to_string()), principal.map(named), limit)
        },
    )
}

fn named(principal: u8) -> Principal {
    Principal::new(principal.to_string())
}

async fn live(store: &MemoryStore, id: usize, life: &Life) -> Option<Task> {
    let key = TaskKey::new(Tenant::new(life.owner.0.to_string()), id.to_string());
    let mut now = task(&key.task_id, &life.context.to_string(), TaskState::Submitted, at(0));
    now.status.timestamp = life.began.map(at);
    let principal = life.owner.1.map(named);

    let mut events = vec![StreamResponse::Task(now.clone())];
    let mut later = life.later.iter();
    let mut tip = Tip::ABSENT;
    loop {
        for event in &events {
            a2a_core::reduce::apply(&mut now, event);
        }
        let commit = Commit::new(tip, commit_id(), events, &now).created_by(principal.as_ref());
        tip = commit.tip();
        assert_eq!(store.commit(&key, commit).await.unwrap(), Outcome::Applied(tip.version));
        let Some(&(state, since)) = later.next() else { break };
        let since: DateTime<Utc> = at(since).max(now.status.timestamp.unwrap_or_default());
        events = vec![status(&now, STATES[state].clone(), since)];
    }
    if life.deleted {
        assert!(store.delete(&key).await.unwrap());
        return None;
    }
    Some(now)
}

/// What a correct list is: every matching task, ordered, cut.
fn model(tasks: &[(Tenant, Option<Principal>, Task)], query: &TaskQuery) -> Vec<Task> {
    let mut matching: Vec<Task> = tasks
        .iter()
        .filter(|(tenant, principal, task)| {
            *tenant == query.tenant && *principal == query.principal && query.matches(task)
        })
        .map(|(_, _, task)| task.clone())
        .collect();
    matching
        .sort_by_key(|task| (std::cmp::Reverse(task.status.timestamp), std::cmp::Reverse(task.id.clone())));
    matching.iter_mut().for_each(|task| query.trim(task));
    matching
}

async fn all_pages(store: &MemoryStore, query: &TaskQuery) -> (Vec<Task>, Vec<u64>) {
    let (mut tasks, mut totals) = (Vec::new(), Vec::new());
    let mut query = query.clone();
    loop {
        let page = store.list(&query).await.unwrap();
        assert!(page.tasks.len() <= query.limit);
        assert_eq!(page.next.as_ref(), page.next.as_ref().and(page.tasks.last().map(Cursor::of).as_ref()));
        tasks.extend(page.tasks);
        totals.push(page.total);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return (tasks, totals),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn pages_and_totals_agree_with_a_look_at_every_task(
        lives in lives(),
        queries in prop::collection::vec(queries(), 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = MemoryStore::new();
            let mut tasks = Vec::new();
            for (id, life) in lives.iter().enumerate() {
                let (tenant, principal) = life.owner;
                if let Some(task) = live(&store, id, life).await {
                    tasks.push((Tenant::new(tenant.to_string()), principal.map(named), task));
                }
            }
            for query in queries {
                let expected = model(&tasks, &query);
                let (listed, totals) = all_pages(&store, &query).await;
                assert!(totals.iter().all(|total| *total == expected.len() as u64), "{query:?}: {totals:?}");
                assert_eq!(listed, expected, "{query:?}");
            }
        });
    }
}
