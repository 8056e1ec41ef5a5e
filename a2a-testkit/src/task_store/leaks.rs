//! Errors end up in logs, so they carry no content.

use std::error::Error;
use std::fmt::Debug;

use a2a::{Part, StreamResponse};
use a2a_core::{
    BackendError, CallerContext, Claim, Principal, PushProgress, Result, Store, TaskKey, TaskQuery, Tenant,
    Version,
};

use crate::StoreFixture;
use crate::push_configs::{delivery, subscription};
use crate::sample::{Draft, TaskModel, chunk, claim, commit_id, instance, noise};

/// Occurs in everything that must stay out of logs: messages, artifacts, principals, callers, webhooks, keys.
const SECRET: &str = "hunter2-do-not-log-me";

/// Calls that fail, because of what they ask for or because the backend is out of reach, say so without
/// repeating content, principals, callers, webhooks or keys; nor does the handle print them.
pub async fn a_failed_call_leaks_no_content(fixture: &dyn StoreFixture) {
    let store = fixture.handle().await;
    let long = TaskKey::new(Tenant::new("t".repeat(5_000)), "i".repeat(5_000));
    call_everything(&*store, &TaskModel::about(long, SECRET).by(SECRET)).await;
    call_everything(&*store, &TaskModel::new("t").by(SECRET)).await;

    let mut model = TaskModel::new("huge").begin(&*store).await;
    model.principal = Some(Principal::new(SECRET));
    let huge = format!("{SECRET}{}", noise(1, 20 << 20));
    let draft = model.draft(vec![chunk(&model.task, SECRET, vec![Part::text(huge)], false)]);
    inspect(store.commit(&model.key, draft.commit()).await);
    inspect(store.commits_after(&model.key, Version::ABSENT).await);

    assert_clean(&store);
    if let Some(failing) = fixture.failing_handle().await {
        call_everything(&*failing, &TaskModel::new("t").by(SECRET)).await;
        assert_clean(&failing);
    }
}

async fn call_everything(store: &dyn Store, model: &TaskModel) {
    let (key, me) = (&model.key, instance());
    let whole = StreamResponse::Task(model.task.clone());
    let secret = chunk(&model.task, SECRET, vec![Part::text(SECRET), Part::raw(SECRET.into())], false);
    let claims = [(SECRET.to_owned(), SECRET.into())].into_iter().collect();
    let caller = Some(CallerContext { claims, ..CallerContext::default() });
    let draft = Draft { caller, change: claim(me), ..model.draft(vec![whole, secret]) };
    inspect(store.commit(key, draft.commit()).await);
    let late = draft.expecting(9);
    inspect(store.commit(key, late.commit()).await);
    inspect(store.load(key).await);
    inspect(store.head(key).await);
    inspect(store.commits_after(key, Version::ABSENT).await);
    inspect(store.watch(key, &me).await);
    inspect(store.unwatch(key, &me).await);
    inspect(store.watchers(key).await);
    inspect(store.release(key, &Claim { instance: me, attempt: 1, by: commit_id() }).await);
    let query = TaskQuery::new(key.tenant.clone(), model.principal.clone(), 10);
    inspect(store.list(&TaskQuery { context_id: Some(SECRET.into()), ..query }).await);

    let mut hook = subscription(key, "hook");
    hook.config.url = format!("https://{SECRET}.example.com/");
    hook.config.token = Some(SECRET.into());
    inspect(store.save_config(key, &hook).await);
    inspect(store.get_config(key, "hook").await);
    inspect(store.list_configs(key).await);
    let delivery = delivery(&hook, 1);
    inspect(store.begin_delivery(key, &delivery).await);
    inspect(store.acknowledge(key, &delivery, PushProgress::to(Version::new(1))).await);
    inspect(store.remove_config(key, "hook").await);
    inspect(store.keys("leaks", *b"hunter2-do-not-log-me-hunter2-do").await);
    inspect(store.renew_key("leaks", 1, *b"hunter2-do-not-log-me-hunter2-do").await);
    inspect(store.delete(key).await);
}

fn inspect<T>(result: Result<T>) {
    let Err(error) = result else { return };
    assert!(!matches!(error, BackendError::Closed), "a handle that nobody closed is closed");
    assert_clean(&error);
    let mut cause: Option<&dyn Error> = Some(&error);
    while let Some(error) = cause {
        assert!(!error.to_string().contains(SECRET), "an error's text repeats content");
        cause = error.source();
    }
}

fn assert_clean(value: &impl Debug) {
    let text = format!("{value:?} {value:#?}");
    assert!(!text.contains(SECRET), "what is printed for debugging repeats content");
}
