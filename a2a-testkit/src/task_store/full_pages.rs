//! Pages that are full of bytes before they are full of tasks.

use a2a::Part;
use a2a_core::{TaskQuery, Tenant};

use super::walk::pages;
use crate::StoreFixture;
use crate::expect::eventually;
use crate::sample::{TaskModel, at, chunk, message, noise};

const KB: usize = 1024;

/// What each task's artifact says, and its message again, in the order of the list.
const SIZES: [usize; 9] = [20 * KB, 20 * KB, 20 * KB, 20 * KB, 100 * KB, 20 * KB, 20 * KB, 20 * KB, 20 * KB];

/// A page ends before the task that would take it beyond its bytes. A task counts with what the query shows of it, and
/// one that is larger than a page has a page of its own. All of them are found, and the next page begins where one ends.
pub async fn list_ends_a_page_that_is_full_of_bytes(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut ids = Vec::new();
    for (n, size) in SIZES.into_iter().enumerate() {
        let mut model = TaskModel::new(&format!("t{n}"));
        model.task.status.timestamp = Some(at(1_000 - n as i64));
        let mut model = model.begin(&*store).await;
        let text = |seed: usize| vec![Part::text(noise(seed as u64, size))];
        let said = message(&model.task, "m", text(n));
        let piece = chunk(&model.task, "a", text(n + SIZES.len()), false);
        model.tell(&*store, vec![said, piece]).await;
        ids.push(model.task.id);
    }
    let query = TaskQuery::new(Tenant::default(), None, 100);
    for (limit, bytes, artifacts, history, expected) in [
        (100, 70 * KB, true, Some(0), vec![3, 1, 1, 3, 1]),
        (100, 70 * KB, false, None, vec![3, 1, 1, 3, 1]),
        (100, 140 * KB, true, None, vec![3, 1, 1, 3, 1]),
        (2, 70 * KB, true, Some(0), vec![2, 2, 1, 2, 2]),
        (100, 70 * KB, false, Some(0), vec![9]),
        (4, usize::MAX, true, None, vec![4, 4, 1]),
        (100, 0, true, None, vec![1; 9]),
    ] {
        let query = TaskQuery { limit, bytes, artifacts, history, ..query.clone() };
        let read = async || {
            let pages = pages(&*other, &query).await;
            let found: Vec<_> = pages.iter().flatten().map(|task| task.id.clone()).collect();
            (pages.iter().map(Vec::len).collect::<Vec<_>>(), found)
        };
        eventually(fixture.patience(), (expected, ids.clone()), read).await;
        assert_eq!(other.list(&query).await.unwrap().total, 9, "of {query:?}");
    }
}
