//! Limits: told before anything is written, and never in the way of a task's end.

use a2a::{StreamResponse, TaskState};
use a2a_core::{BackendError, Commit, PushConfigs, TaskKey, TaskQuery, TaskStore, Tenant, reduce};
use a2a_testkit::sample::{Story, commit_id};

use crate::place::Place;
use crate::place::stream::Stream;

const LIMIT: usize = 100_000;

#[test]
fn a_task_grows_up_to_the_limit_and_can_still_end() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let store = place.store(|config| config.max_bytes(LIMIT)).await;
        let mut stream = Stream::begin(&store, "t").await;
        stream.chunks(9, 10_000, 1).await;
        let chunk = stream.chunk(10_000);
        let mut after = stream.task.clone();
        reduce::apply(&mut after, &chunk);
        let refused =
            store.commit(&stream.key, Commit::new(stream.version, commit_id(), vec![chunk], &after)).await;
        assert!(matches!(refused, Err(BackendError::TooLarge { limit: LIMIT, .. })), "{refused:?}");
        let stored = store.load(&stream.key).await.unwrap().unwrap();
        assert_eq!((&stored.task, stored.version), (&stream.task, stream.version));

        stream.status(TaskState::Completed).await;
        assert_eq!(store.load(&stream.key).await.unwrap().unwrap().task, stream.task);
    });
}

#[test]
fn what_was_replaced_does_not_count_towards_the_limit() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let store = place.store(|config| config.max_bytes(LIMIT)).await;
        let mut stream = Stream::begin(&store, "t").await;
        for _ in 0..40 {
            let mut chunk = stream.chunk(10_000);
            if let StreamResponse::ArtifactUpdate(update) = &mut chunk {
                update.append = None;
            }
            stream.commit(vec![chunk], a2a_core::ExecutorChange::Keep).await;
        }
        assert_eq!(store.load(&stream.key).await.unwrap().unwrap().task, stream.task);
    });
}

#[test]
fn a_commit_over_the_limit_is_too_large_and_writes_nothing() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let store = place.store(|config| config.max_bytes(LIMIT)).await;
        let mut stream = Stream::begin(&store, "t").await;
        let chunk = stream.chunk(LIMIT);
        let refused = store
            .commit(&stream.key, Commit::new(stream.version, commit_id(), vec![chunk], &stream.task))
            .await;
        assert!(matches!(refused, Err(BackendError::TooLarge { what: "a commit", .. })), "{refused:?}");
        assert_eq!(store.load(&stream.key).await.unwrap().unwrap().version, stream.version);
    });
}

#[test]
fn ids_that_are_too_long_are_rejected_by_name() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let store = place.store(|config| config).await;
        let long = "é".repeat(1_024);
        let rejected = |result: Result<(), BackendError>, what: &str| {
            let Err(BackendError::Rejected { reason, .. }) = result else { panic!("{what}: {result:?}") };
            assert!(reason.contains(what) && !reason.contains('é'), "{reason}");
        };
        let key = TaskKey::new(Tenant::default(), &long);
        rejected(store.load(&key).await.map(drop), "task id");
        rejected(store.load(&TaskKey::new(Tenant::new(&long), "t")).await.map(drop), "tenant");
        rejected(
            store.get_config(&TaskKey::new(Tenant::default(), "t"), &long).await.map(drop),
            "push config id",
        );
        rejected(store.list(&TaskQuery::new(Tenant::new(&long), None, 1)).await.map(drop), "tenant");
        let story = Story::about(TaskKey::new(Tenant::default(), "t"), &long);
        let draft = story.draft(vec![StreamResponse::Task(story.task.clone())]);
        rejected(store.commit(&story.key, draft.commit()).await.map(drop), "context id");
        let tenant = Tenant::default();
        let claim = store.claim_message(&tenant, None, &long, "t", std::time::Duration::from_secs(9));
        assert_eq!(claim.await.unwrap(), "t", "a message id may have any length");
    });
}
