//! Limits: told before anything is written, and never in the way of a task's end.

use a2a::{StreamResponse, TaskState};
use a2a_core::{
    BackendError, CallerContext, Commit, Deployment, Outcome, PushConfigs, TaskKey, TaskQuery, TaskStore,
    Tenant, reduce,
};
use a2a_testkit::sample::{Draft, TaskModel, claim, commit_id, instance};

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
            store.commit(&stream.key, Commit::new(stream.tip, commit_id(), vec![chunk], &after)).await;
        assert!(matches!(refused, Err(BackendError::TooLarge { limit: LIMIT, .. })), "{refused:?}");
        let stored = store.load(&stream.key).await.unwrap().unwrap();
        assert_eq!((&stored.task, stored.version), (&stream.task, stream.tip.version));

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
            stream.commit(vec![chunk], a2a_core::ClaimChange::Keep).await;
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
        let refused =
            store.commit(&stream.key, Commit::new(stream.tip, commit_id(), vec![chunk], &stream.task)).await;
        assert!(matches!(refused, Err(BackendError::TooLarge { what: "a commit", .. })), "{refused:?}");
        assert_eq!(store.load(&stream.key).await.unwrap().unwrap().version, stream.tip.version);
    });
}

#[test]
fn a_caller_of_more_than_4_kb_is_too_large_and_writes_nothing() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let store = place.store(|config| config).await;
        let mut model = TaskModel::new("t").begin(&store).await;
        let caller_of = |bytes: usize| {
            let empty =
                CallerContext { headers: [("x".into(), vec![String::new()])].into(), ..Default::default() };
            let fill = bytes - empty.bytes();
            CallerContext { headers: [("x".into(), vec!["y".repeat(fill)])].into(), ..Default::default() }
        };
        let largest = CallerContext::MAX_BYTES;
        let claim_by = |model: &TaskModel, caller| {
            let caller = Some(caller_of(caller));
            Draft { change: claim(instance()), caller, ..model.draft(Vec::new()) }
        };
        let over = claim_by(&model, largest + 1);
        let refused = store.commit(&model.key, over.commit()).await;
        assert!(matches!(refused, Err(BackendError::TooLarge { limit: 4096, .. })), "{refused:?}");
        assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
        let fits = claim_by(&model, largest);
        assert_eq!(fits.send(&store, &model.key).await, Outcome::Applied(fits.next()));
        model.accept(&fits);
        assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
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
        let model = TaskModel::about(TaskKey::new(Tenant::default(), "t"), &long);
        let draft = model.draft(vec![StreamResponse::Task(model.task.clone())]);
        rejected(store.commit(&model.key, draft.commit()).await.map(drop), "context id");
        rejected(store.keys(&long, [0; 32]).await.map(drop), "name of a key");
    });
}
