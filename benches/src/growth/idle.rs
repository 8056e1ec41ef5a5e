//! Instances that have nothing to do.

use std::time::Duration;

use tokio::time::sleep;

use super::fleet::Fleet;
use crate::Error;
use crate::curve::Point;

/// After the start, and between any two beats.
const SETTLED: Duration = Duration::from_millis(32_500);

/// What one of several takes in a minute.
pub(super) async fn minute(instances: usize) -> Result<Point, Error> {
    let fleet = Fleet::alive(instances).await?;
    sleep(SETTLED).await;
    let before = fleet.counts();
    sleep(Duration::from_secs(60)).await;
    let counts = fleet.counts().since(&before);
    let each = |count: f64| count / instances as f64;
    Ok(Point::new(
        instances,
        [
            ("beats", each(counts.of("beat"))),
            ("looks at the ring", each(counts.of("roster"))),
            ("looks at own tasks", each(counts.of("executing"))),
            ("polls", each(counts.polls)),
            ("messages", each(counts.messages)),
            ("write units", each(counts.write_units)),
            ("read units", each(counts.read_units)),
        ],
    ))
}
