//! Many tasks, and long ones.

use std::time::Duration;

use futures::future::try_join_all;

use super::fleet::{Fleet, read_all};
use crate::Error;
use crate::curve::Point;
use crate::script::{SHORT, timed};

const INSTANCES: usize = 10;

/// So many short tasks, all begun at once.
pub(super) async fn at_once(tasks: usize) -> Result<Point, Error> {
    let fleet = &Fleet::quiet(INSTANCES).await?;
    let before = fleet.counts();
    let begun = (0..tasks).map(async |number| Ok::<_, Error>(fleet.send(number % INSTANCES, SHORT).await?.1));
    let heard = read_all(try_join_all(begun).await?).await?;
    if heard.iter().any(|events| *events != 3) {
        return Err("a stream has not heard all events".into());
    }
    let counts = fleet.counts().since(&before);
    let each = |count: f64| count / tasks as f64;
    Ok(Point::new(
        tasks,
        [
            ("store calls", each(counts.store_calls())),
            ("commits", each(counts.of("commit"))),
            ("write units", each(counts.write_units)),
            ("read units", each(counts.read_units)),
            ("messages", each(counts.messages)),
        ],
    ))
}

/// One task of so many chunks, with a stream on another instance.
pub(super) async fn long(chunks: usize) -> Result<Point, Error> {
    let fleet = Fleet::quiet(INSTANCES).await?;
    let before = fleet.counts();
    let (task, own) = fleet.send(0, &timed(chunks, Duration::from_millis(10))).await?;
    let elsewhere = fleet.subscribe(1, &task).await?;
    fleet.go();
    let heard = read_all([own, elsewhere]).await?;
    if heard.iter().any(|events| *events < chunks + 1) {
        return Err(format!("streams heard {heard:?} events").into());
    }
    let counts = fleet.counts().since(&before);
    let each = |count: f64| count / chunks as f64;
    Ok(Point::new(
        chunks,
        [
            ("store calls", each(counts.store_calls())),
            ("write units", each(counts.write_units)),
            ("read units", each(counts.read_units)),
            ("messages", each(counts.messages)),
            ("bytes sent", each(counts.bytes)),
        ],
    ))
}
