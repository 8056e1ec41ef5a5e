//! Instances that start, leave and die.

use std::time::Duration;

use futures::future::try_join_all;
use tokio::time::sleep;

use super::curve::Point;
use super::fleet::Fleet;
use crate::Error;

/// Tasks of the one that dies.
const TASKS: usize = 10;
/// After the start, and between any two beats.
const SETTLED: Duration = Duration::from_millis(32_500);
/// By then the dead are buried; a multiple of the beat interval and of the lease.
const MINUTE: Duration = Duration::from_secs(60);

/// One of so many dies.
pub(super) async fn death(instances: usize) -> Result<Point, Error> {
    let fleet = Fleet::alive(instances).await?;
    let _streams = try_join_all((0..TASKS).map(|_| fleet.send(0, "wait"))).await?;
    sleep(SETTLED).await;
    let before = fleet.counts();
    sleep(MINUTE).await;
    let usual = fleet.counts().since(&before);
    let before = fleet.counts();
    fleet.kill(1);
    sleep(MINUTE).await;
    let counts = fleet.counts().since(&before);
    let living = (instances - 1) as f64 / instances as f64;
    let beside = |call: &str| counts.of(call) - usual.of(call) * living;
    let beats_and_looks = ["beat", "roster"];
    let usual_calls = beats_and_looks.iter().map(|call| counts.of(call)).sum::<f64>();
    Ok(Point::new(
        instances,
        [
            ("calls", counts.store_calls() - usual_calls - usual.of("executing") * living),
            ("evictions tried", counts.of("evict")),
            ("looks for its tasks", beside("executing")),
            ("loads", counts.of("load")),
            ("commits", counts.of("commit")),
        ],
    ))
}

/// So many start at once; then half of them leave at once.
pub(super) async fn coming_and_going(instances: usize) -> Result<Point, Error> {
    let fleet = Fleet::alive(instances).await?;
    let started = fleet.counts();
    let each_start = started.store_calls() / instances as f64;
    let leaving = instances / 2;
    sleep(SETTLED).await;
    let before = fleet.counts();
    fleet.leave(leaving).await;
    let left = fleet.counts().since(&before);
    Ok(Point::new(
        instances,
        [
            ("calls of a start", each_start),
            ("calls of a leave", left.store_calls() / leaving as f64),
            ("messages", started.messages + left.messages),
        ],
    ))
}
