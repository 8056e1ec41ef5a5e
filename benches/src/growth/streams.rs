//! Streams of tasks that run elsewhere.

use std::time::Duration;

use futures::future::try_join_all;
use tokio::time::sleep;

use super::counters::Counts;
use super::fleet::{Fleet, read_all};
use crate::Error;
use crate::curve::Point;
use crate::script::{WAIT, timed};

/// Chunks of a watched task, and the time between two of them: longer than a commit takes.
const CHUNKS: usize = 100;
const GAP: Duration = Duration::from_millis(20);
/// For as long, all that was caused happens.
const SETTLED: Duration = Duration::from_millis(500);

fn figures(counts: &Counts, of: usize) -> [(&'static str, f64); 6] {
    let each = |count: f64| count / of as f64;
    [
        ("store calls", each(counts.store_calls())),
        ("write units", each(counts.write_units)),
        ("read units", each(counts.read_units)),
        ("sends", each(counts.sends)),
        ("messages", each(counts.messages)),
        ("polls", each(counts.polls)),
    ]
}

/// So many instances open a stream each on a task that says nothing yet.
pub(super) async fn joining(instances: usize, streams: usize) -> Result<Point, Error> {
    let fleet = Fleet::quiet(instances).await?;
    let (task, _own) = fleet.send(0, WAIT).await?;
    sleep(SETTLED).await;
    let before = fleet.counts();
    let _streams = try_join_all((1..=streams).map(|number| fleet.subscribe(number, &task))).await?;
    sleep(SETTLED).await;
    Ok(Point::new(streams, figures(&fleet.counts().since(&before), streams)))
}

/// The first of so many instances runs a task that as many others stream.
pub(super) async fn watched(instances: usize, watchers: usize, at: usize) -> Result<Point, Error> {
    let numbers: Vec<usize> = (1..=watchers).collect();
    Ok(Point::new(at, events(&Fleet::quiet(instances).await?, &numbers).await?))
}

/// The second of two instances has so many streams of a task of the first.
pub(super) async fn on_one(streams: usize) -> Result<Point, Error> {
    let fleet = Fleet::quiet(2).await?;
    let figures = events(&fleet, &vec![1; streams]).await?;
    Ok(Point::new(streams, figures))
}

/// Counts what the events of a task take, for which these instances have a stream each.
async fn events(fleet: &Fleet, watchers: &[usize]) -> Result<[(&'static str, f64); 6], Error> {
    let (task, own) = fleet.send(0, &timed(CHUNKS, GAP)).await?;
    let mut streams = try_join_all(watchers.iter().map(|number| fleet.subscribe(*number, &task))).await?;
    streams.push(own);
    sleep(SETTLED).await;
    let before = fleet.counts();
    fleet.go();
    let heard = read_all(streams).await?;
    if heard.iter().any(|events| *events != CHUNKS + 1 && *events != CHUNKS + 2) {
        return Err(format!("streams heard {heard:?} events").into());
    }
    sleep(SETTLED).await;
    Ok(figures(&fleet.counts().since(&before), CHUNKS + 1))
}

/// The second of two instances has so many streams, each of another task of the first, which says nothing.
pub(super) async fn followed(streams: usize) -> Result<Point, Error> {
    let fleet = &Fleet::quiet(2).await?;
    let open = async |_| {
        let (task, own) = fleet.send(0, WAIT).await?;
        Ok::<_, Error>((own, fleet.subscribe(1, &task).await?))
    };
    let _streams = try_join_all((0..streams).map(open)).await?;
    // Until silence is looked into as rarely as ever.
    sleep(Duration::from_secs(30)).await;
    let before = fleet.counts();
    sleep(Duration::from_secs(60)).await;
    let counts = fleet.counts().since(&before);
    let each = |count: f64| count / streams as f64;
    Ok(Point::new(
        streams,
        [
            ("store calls", each(counts.store_calls())),
            ("read units", each(counts.read_units)),
            ("messages", each(counts.messages)),
            ("feeds there", each(fleet.held(1)? as f64)),
            ("runs and feeds at home", each(fleet.held(0)? as f64)),
        ],
    ))
}
