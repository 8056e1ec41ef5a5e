//! The pages of the index that finds the tasks of a dead instance.

use std::collections::BTreeSet;

use a2a_core::{Membership, Store, TaskKey, Tenant};
use futures::stream::{self, StreamExt};

use super::executing::{all, running};
use crate::StoreFixture;
use crate::expect::{eventually, persist};
use crate::sample::{TaskModel, claim, instance};

const MANY: usize = 300;

/// From the first page to the last, every task passes whose claim stands all the while, however many there are, and
/// also where others are taken over, released and deleted between the pages. Those that are taken over pass at most
/// on the pages before; in the end nothing is left.
pub async fn executing_pages_cover_every_task(fixture: &dyn StoreFixture) {
    let store = fixture.handle().await;
    let dead = instance();
    let keys = (0..MANY).map(|n| TaskKey::new(Tenant::new(["", "many", "a"][n % 3]), format!("t{n}")));
    let starting = stream::iter(keys).map(|key| async { running(&*store, key, dead).await });
    let mut models: Vec<_> = starting.buffer_unordered(8).collect().await;
    let everything: BTreeSet<_> = models.iter().map(|model| model.key.clone()).collect();
    eventually(fixture.patience(), everything, async || all(&*store, &dead).await).await;

    let last = models.split_off(MANY / 2);
    let standing: BTreeSet<_> = models.iter().map(|model| model.key.clone()).collect();
    let seen = walk_while_others_go(&*store, &dead, last).await;
    let missed: BTreeSet<_> = standing.difference(&seen).collect();
    assert!(missed.is_empty(), "{} tasks are on no page, among them {:?}", missed.len(), missed.first());
    eventually(fixture.patience(), standing, async || all(&*store, &dead).await).await;

    for model in models {
        let_go(&*store, &model).await;
    }
    eventually(fixture.patience(), BTreeSet::new(), async || all(&*store, &dead).await).await;
}

/// Between any two pages some tasks are taken over, released or deleted, until none of the restless is left.
async fn walk_while_others_go(
    store: &dyn Store,
    dead: &a2a_core::InstanceId,
    mut restless: Vec<TaskModel>,
) -> BTreeSet<TaskKey> {
    let (mut seen, mut after) = (BTreeSet::new(), None);
    let members: &dyn Membership = store;
    loop {
        let page = persist(|| members.executing(dead, after.as_ref())).await;
        seen.extend(page.tasks);
        for n in 0..restless.len().min(MANY / 4) {
            let mut model = restless.swap_remove(0);
            match n % 3 {
                0 => model.tell_with(store, Vec::new(), claim(instance())).await,
                1 => let_go(store, &model).await,
                _ => assert!(store.delete(&model.key).await.unwrap()),
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    for model in restless {
        let_go(store, &model).await;
    }
    seen
}

async fn let_go(store: &dyn Store, model: &TaskModel) {
    let held = model.claim.expect("a claim");
    persist(|| store.release(&model.key, &held)).await;
}
