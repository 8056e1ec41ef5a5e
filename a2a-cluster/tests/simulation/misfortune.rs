//! What befalls single tasks: they are deleted, or what the store has of them cannot be read.

use std::rc::Rc;
use std::time::Duration;

use a2a_core::TaskKey;
use tokio::time::sleep;

use crate::fleet::{Fleet, Spoilt};

/// For so long tasks are in danger.
const DANGER: u64 = 40_000;

/// Lets some tasks have bad luck, at any moment of their lives.
pub(crate) async fn befall(fleet: Rc<Fleet>, mut rng: fastrand::Rng) {
    if fleet.terms.deletes {
        for _ in 0..rng.usize(1..=3) {
            sleep(Duration::from_millis(rng.u64(0..DANGER / 2))).await;
            if let Some(key) = any_task(&fleet, &mut rng) {
                fleet.delete(&key).await;
            }
        }
    }
    if fleet.terms.spoils {
        sleep(Duration::from_millis(rng.u64(0..DANGER))).await;
        let Some(key) = any_task(&fleet, &mut rng) else { return };
        let spoilt = if rng.bool() { Spoilt::ForGood } else { Spoilt::ForAWhile };
        fleet.trace.note(format_args!("the task {key} cannot be read: {spoilt:?}"));
        fleet.spoilt.borrow_mut().insert(key.clone(), spoilt);
        fleet.weather.spoil(&key);
        if spoilt == Spoilt::ForAWhile {
            sleep(Duration::from_millis(rng.u64(0..DANGER))).await;
            fleet.trace.note(format_args!("the task {key} can be read again"));
            fleet.weather.mend(&key);
        }
    }
}

fn any_task(fleet: &Fleet, rng: &mut fastrand::Rng) -> Option<TaskKey> {
    let tasks = fleet.archive.tasks();
    let (key, _) = tasks.get(rng.usize(0..tasks.len().max(1)))?;
    Some(key.clone())
}
