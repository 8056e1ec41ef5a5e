//! Prints what tasks and an idle instance cost, as the endpoint bills them.
//!
//! Runs against a server inside the process, or against what `AWS_ENDPOINT_URL` names:
//! `cargo run -p a2a-store-dynamodb --example costs`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

#[path = "../tests/it/place/mod.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod place;

use a2a::{StreamResponse, TaskState};
use a2a_core::{Beat, ClaimChange, Member, MemberState, Membership, Outcome, Reach, TaskStore, Version};
use a2a_store_dynamodb::DynamoDbStore;
use a2a_testkit::sample::{TaskModel, at, instance, status};
use place::Place;
use place::meter::{Bill, Meter};
use place::stream::Stream;

/// US dollars for a million units on demand, us-east-1, November 2026.
const WRITE: f64 = 0.625;
const READ: f64 = 0.125;

/// The beats of 30 days at the cluster's default of one in five seconds.
const BEATS: f64 = 30.0 * 24.0 * 3600.0 / 5.0;

fn main() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        println!("A task from its message to its end, with a stream of chunks of 120 random bytes:\n");
        println!("chunks  per commit  write units  per chunk  US$ per million  requests  load: read units");
        let streams = [
            (500, 1),
            (500, 2),
            (500, 3),
            (500, 5),
            (500, 10),
            (500, 50),
            (5_000, 1),
            (5_000, 10),
            (5_000, 100),
        ];
        for (chunks, batch) in streams {
            stream(place, chunks, batch).await;
        }
        println!("\nA task of three events:\n");
        short(place, true).await;
        short(place, false).await;
        println!("\nAn idle instance:\n");
        idle(place).await;
    });
}

async fn metered(place: &Place) -> (DynamoDbStore, Meter) {
    let meter = Meter::default();
    let client = place.client_with(|builder| builder.interceptor(meter.clone())).await;
    (DynamoDbStore::with_client(client, &place.table), meter)
}

fn dollars(bill: &Bill) -> f64 {
    bill.written * WRITE + bill.read * READ
}

async fn stream(place: &Place, chunks: usize, batch: usize) {
    let (store, meter) = metered(place).await;
    let name = format!("{chunks} by {batch}");
    let mut stream = Stream::begin(&store, &name).await;
    stream.chunks(chunks, 120, batch).await;
    let end = status(&stream.task, TaskState::Completed, at(10_000));
    stream.commit(vec![end], ClaimChange::End).await;
    let life = meter.take();
    store.load(&stream.key).await.unwrap();
    let read = meter.take();
    println!(
        "{chunks:6}  {batch:10}  {:11}  {:9.3}  {:15.2}  {:8}  {:16}",
        life.written,
        life.written / chunks as f64,
        dollars(&life) / chunks as f64,
        life.total(),
        read.read
    );
}

/// A task of which the agent says that it works on it, an answer, and that it is done.
async fn short(place: &Place, at_once: bool) {
    let (store, meter) = metered(place).await;
    let name = if at_once { "in one commit" } else { "in three commits" };
    if at_once {
        let model = TaskModel::new(name);
        let mut events = vec![StreamResponse::Task(model.task.clone())];
        events.push(status(&model.task, TaskState::Working, at(1)));
        events.push(Stream::of(&store, &model).chunk(120));
        events.push(status(&model.task, TaskState::Completed, at(2)));
        let outcome = model.draft(events).send(&store, &model.key).await;
        assert_eq!(outcome, Outcome::Applied(Version::new(1)));
    } else {
        let mut stream = Stream::begin(&store, name).await;
        stream.chunks(1, 120, 1).await;
        let end = status(&stream.task, TaskState::Completed, at(2));
        stream.commit(vec![end], ClaimChange::End).await;
    }
    let bill = meter.take();
    println!(
        "{name:17} {:4} write units, {:3} read units, {:2} requests, US$ {:.2} per million tasks",
        bill.written,
        bill.read,
        bill.total(),
        dollars(&bill)
    );
}

async fn idle(place: &Place) {
    let (store, meter) = metered(place).await;
    let label = Some("a-deployment-7d9fbb6c4-x2x2x".to_owned());
    let me = Member { id: instance(), beat: 0, state: MemberState::Serving, reach: Reach::Topic, label };
    assert_eq!(store.beat(&me).await.unwrap(), Beat::Alive);
    let beat = meter.take();
    store.roster(Some(&me.id), 6).await.unwrap();
    let look = meter.take();
    store.executing(&me.id, None).await.unwrap();
    let own = meter.take();
    let month = (dollars(&beat) + dollars(&look)) * BEATS / 1e6 + dollars(&own) * BEATS / 3.0 / 1e6;
    println!(
        "a beat {} write unit, a look at the ring {} read units, a look at its own tasks {} read units: \
         US$ {month:.2} a month with a beat and a look each 5 s, its own tasks each 15 s; \
         a second look each time adds US$ {:.2}",
        beat.written,
        look.read,
        own.read,
        dollars(&look) * BEATS / 1e6
    );
}
