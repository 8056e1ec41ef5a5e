//! Many writers at once: one wins.

use a2a::{Part, StreamResponse};
use a2a_core::{Outcome, Version};
use tokio::task::JoinSet;

use super::walk::{assert_holds, assert_log};
use crate::StoreFixture;
use crate::sample::{TaskModel, message};

const WRITERS: usize = 64;
const HANDLES: usize = 4;
const ROUNDS: u64 = 6;

/// Of 64 writers over several handles that expect the same version, one is told `Applied`, and its commit is
/// the one in the log. The others learn a version that is really there.
pub async fn exactly_one_of_many_concurrent_commits_is_applied(fixture: &dyn StoreFixture) {
    let mut handles = Vec::new();
    for _ in 0..HANDLES {
        handles.push(fixture.handle().await);
    }
    let mut model = TaskModel::new("t");
    for round in 0..ROUNDS {
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let event = if round == 0 {
                StreamResponse::Task(model.task.clone())
            } else {
                message(&model.task, &format!("{round}-{writer}"), vec![Part::text("mine")])
            };
            let (store, key) = (handles[writer % HANDLES].clone(), model.key.clone());
            let draft = model.draft(vec![event]);
            writers.spawn(async move { (draft.send(&*store, &key).await, draft) });
        }
        let next = Version::new(round + 1);
        let mut winners = Vec::new();
        for (outcome, draft) in writers.join_all().await {
            match outcome {
                Outcome::Applied(version) => {
                    assert_eq!(version, next, "the version that the winner made");
                    winners.push(draft);
                }
                Outcome::Conflict { actual } => assert_eq!(actual, next, "the version that a loser learned"),
            }
        }
        assert_eq!(winners.len(), 1, "writers were told that they made version {next}");
        model.accept(&winners[0]);
        for handle in &handles {
            assert_holds(&**handle, &model).await;
        }
    }
    assert_log(&*handles[0], &model, Version::new(ROUNDS - 1)).await;
    assert_log(&*handles[1], &model, Version::ABSENT).await;
}
