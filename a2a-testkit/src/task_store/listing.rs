//! Lists: whose tasks, which of them, in what order.

use a2a::{Part, TaskState};
use a2a_core::{Principal, Store, TaskKey, TaskQuery, Tenant};
use chrono::TimeDelta;

use super::walk::ids;
use crate::StoreFixture;
use crate::expect::eventually;
use crate::sample::{TaskModel, at, chunk, message, status};

/// The newest status comes first; of two at the same time the greater id. Only a status moves a task.
pub async fn list_returns_newest_status_first(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let patience = fixture.patience();
    let query = TaskQuery::new(Tenant::default(), None, 100);
    let tied = ["~", "é", "aa", "a/b", "a#b", "a b", "a", "Z", "10", "9", "!", "\u{1}", "🦀", "\u{ffff}"];
    let mut models = Vec::new();
    for (n, id) in tied.iter().enumerate() {
        models.push(dated(&*store, id, 100).await);
        models.push(dated(&*store, &format!("n{n}"), [5, 900, 3, 101, 99][n % 5]).await);
    }
    let expected = |models: &[TaskModel]| {
        let mut order: Vec<_> = models.iter().map(|s| (s.task.status.timestamp, s.task.id.clone())).collect();
        order.sort_by(|a, b| b.cmp(a));
        order.into_iter().map(|(_, id)| id).collect::<Vec<_>>()
    };
    eventually(patience, expected(&models), async || ids(&*other, &query).await).await;

    for (n, later) in [(3, 2_000), (8, 100), (5, 2_000), (0, 101)] {
        let event = status(&models[n].task, TaskState::Working, at(later));
        models[n].tell(&*store, vec![event]).await;
    }
    for model in models.iter_mut().take(5) {
        let said = message(&model.task, "m", vec![Part::text("x")]);
        let piece = chunk(&model.task, "a", vec![Part::text("x")], false);
        model.tell(&*store, vec![said, piece]).await;
    }
    eventually(patience, expected(&models), async || ids(&*other, &query).await).await;
    let single = TaskQuery { limit: 1, ..query };
    eventually(patience, expected(&models), async || ids(&*other, &single).await).await;
}

async fn dated(store: &dyn Store, id: &str, millis: i64) -> TaskModel {
    let mut model = TaskModel::new(id);
    model.task.status.timestamp = Some(at(millis));
    model.begin(store).await
}

/// A list holds the tasks of its tenant that its principal created, whatever else the filters say. Nobody
/// (`None`) is a principal of its own, and so is the empty name.
pub async fn list_never_crosses_tenants_or_principals(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let callers = [
        ("", None),
        ("", Some("")),
        ("", Some("ann")),
        ("", Some("ann#x")),
        ("a", None),
        ("a", Some("ann")),
        ("a", Some("b#ann")),
        ("a#b", Some("ann")),
        ("a", Some("b/ann")),
        ("a/b", Some("ann")),
        ("A", Some("ann")),
        ("a", Some("Ann")),
        ("a\0b", Some("ann")),
        ("a", Some("b\0ann")),
        ("ann", Some("a")),
        ("ann", None),
    ];
    for (n, (tenant, principal)) in callers.iter().enumerate() {
        for which in 0..2 {
            // An id names one task per tenant; the context is shared by everybody.
            let key = TaskKey::new(Tenant::new(*tenant), format!("{n}-{which}"));
            let mut model = TaskModel::about(key, "shared");
            model.principal = principal.map(Principal::new);
            model.begin(&*store).await;
        }
    }
    for (n, (tenant, principal)) in callers.iter().enumerate() {
        let plain = TaskQuery::new(Tenant::new(*tenant), principal.map(Principal::new), 100);
        let queries = [
            TaskQuery { context_id: Some("shared".into()), ..plain.clone() },
            TaskQuery { state: Some(TaskState::Submitted), ..plain.clone() },
            TaskQuery { updated_since: Some(at(0)), ..plain.clone() },
            TaskQuery { limit: 1, ..plain.clone() },
            TaskQuery { context_id: Some("shared".into()), limit: 1, ..plain.clone() },
            plain,
        ];
        for query in queries {
            let mine = vec![format!("{n}-1"), format!("{n}-0")];
            eventually(fixture.patience(), (mine, 2), async || {
                let total = other.list(&query).await.unwrap().total;
                (ids(&*other, &query).await, total)
            })
            .await;
        }
    }
    let stranger = TaskQuery::new(Tenant::default(), Some(Principal::new("stranger")), 100);
    assert_eq!(ids(&*other, &stranger).await, Vec::<String>::new());
}

/// The filters by context, state and time hold alone and together; the time includes its bound, to the
/// microsecond; a task that changed its state is found under the new one only.
pub async fn list_filters_by_context_state_and_time(fixture: &dyn StoreFixture) {
    use TaskState::{AuthRequired, Canceled, Completed, Failed, InputRequired, Rejected, Submitted, Working};
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let states = [Submitted, Working, InputRequired, AuthRequired, Completed, Failed, Canceled, Rejected];
    let mut models = Vec::new();
    for (n, state) in states.iter().cycle().take(24).enumerate() {
        let context = ["c", "c#", "d"][n % 3];
        let key = TaskKey::new(Tenant::default(), format!("t{n:02}"));
        let mut model = TaskModel::about(key, context).begin(&*store).await;
        let event = status(&model.task, state.clone(), at(10 * (n as i64 / 2)));
        model.tell(&*store, vec![event]).await;
        models.push(model);
    }
    let moved = status(&models[1].task, InputRequired, at(500));
    models[1].tell(&*store, vec![moved]).await;

    let contexts = [None, Some("c"), Some("c#"), Some("d"), Some("unknown"), Some("")];
    let times = [
        None,
        Some(at(50)),
        Some(at(51)),
        Some(at(50) + TimeDelta::microseconds(1)),
        Some(at(500)),
        Some(at(501)),
    ];
    let wanted_states: Vec<_> = [None].into_iter().chain(states.map(Some)).collect();
    for (n, context) in contexts.iter().enumerate() {
        for (m, since) in times.iter().enumerate() {
            for (k, state) in wanted_states.iter().enumerate() {
                let limit = [100, 2, 1][(n + m + k) % 3];
                let query = TaskQuery {
                    context_id: context.map(str::to_owned),
                    state: state.clone(),
                    updated_since: *since,
                    ..TaskQuery::new(Tenant::default(), None, limit)
                };
                let mut expected: Vec<_> =
                    models.iter().map(|s| &s.task).filter(|t| query.matches(t)).collect();
                expected.sort_by_key(|task| std::cmp::Reverse((task.status.timestamp, &task.id)));
                let expected: Vec<_> = expected.into_iter().map(|task| task.id.clone()).collect();
                eventually(fixture.patience(), expected, async || ids(&*other, &query).await).await;
            }
        }
    }
}
