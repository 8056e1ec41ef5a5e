//! Instances that start, leave and die.

use std::time::Duration;

use futures::future::try_join_all;
use tokio::time::{Instant, sleep};

use super::fleet::Fleet;
use crate::Error;
use crate::curve::Point;
use crate::script::WAIT;

/// Tasks of the one that dies.
const TASKS: usize = 10;
/// After the start, and between any two beats.
const SETTLED: Duration = Duration::from_millis(32_500);
/// A multiple of the beat interval and of the lease.
const MINUTE: Duration = Duration::from_secs(60);
/// By then the tasks of the dead are taken over.
const OBSERVED: Duration = Duration::from_secs(240);

/// One of so many dies, with ten tasks.
pub(super) async fn death(instances: usize) -> Result<Point, Error> {
    deaths(instances, 1, TASKS).await
}

/// Half of so many die at once, each with a task.
pub(super) async fn mass_death(instances: usize) -> Result<Point, Error> {
    deaths(instances, instances / 2, 1).await
}

/// Counts what each of some deaths takes of the living beyond what these do in any minute.
async fn deaths(instances: usize, dying: usize, tasks: usize) -> Result<Point, Error> {
    let fleet = &Fleet::alive(instances).await?;
    let begun = (0..dying * tasks).map(|number| fleet.send(number % dying, WAIT));
    let _streams = try_join_all(begun).await?;
    sleep(SETTLED).await;
    let before = fleet.counts();
    sleep(MINUTE).await;
    let usual_looks =
        fleet.counts().since(&before).of("executing") * (instances - dying) as f64 / instances as f64;
    let before = fleet.counts();
    fleet.kill(dying);
    let died = Instant::now();
    let mut recovered = None;
    while died.elapsed() < OBSERVED {
        sleep(Duration::from_secs(1)).await;
        if recovered.is_none() && fleet.has_recovered(instances - dying).await? {
            recovered = Some(died.elapsed().as_secs_f64());
        }
    }
    let recovered = recovered.ok_or("tasks of the dead are still theirs")?;
    let counts = fleet.counts().since(&before);
    let usual_looks = usual_looks * OBSERVED.div_duration_f64(MINUTE);
    let usual = counts.of("beat") + counts.of("roster") + counts.of("keys") + usual_looks;
    let each = |count: f64| count / dying as f64;
    Ok(Point::new(
        instances,
        [
            ("calls", each(counts.store_calls() - usual)),
            ("evictions tried", each(counts.of("evict"))),
            ("looks for its tasks", each(counts.of("executing") - usual_looks)),
            ("loads", each(counts.of("load"))),
            ("commits", each(counts.of("commit"))),
            ("seconds to the last", recovered),
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
