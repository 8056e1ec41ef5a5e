//! Prints what streams of small chunks cost, as the endpoint bills them.
//!
//! Runs against a server inside the process, or against what `AWS_ENDPOINT_URL` names:
//! `cargo run -p a2a-store-dynamodb --example costs`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

#[path = "../tests/place/mod.rs"]
mod place;

use a2a::TaskState;
use a2a_core::TaskStore;
use a2a_store_dynamodb::{Config, DynamoDbStore};
use place::Place;
use place::meter::Meter;
use place::stream::Stream;

fn main() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        println!("chunks  batch  write units  per chunk  requests  load: requests  read units");
        for (chunks, batch) in [(500, 1), (5_000, 1), (500, 10), (5_000, 10), (5_000, 100)] {
            let meter = Meter::default();
            let client = place.client_with(|builder| builder.interceptor(meter.clone())).await;
            let store = DynamoDbStore::new(client, Config::new(&place.table));
            let mut stream = Stream::begin(&store, &format!("{chunks} by {batch}")).await;
            stream.chunks(chunks, 120, batch).await;
            stream.status(TaskState::Completed).await;
            let written = meter.take();
            store.load(&stream.key).await.unwrap();
            let read = meter.take();
            println!(
                "{chunks:6}  {batch:5}  {:11}  {:9.3}  {:8}  {:14}  {:10}",
                written.written,
                written.written / chunks as f64,
                written.total(),
                read.total(),
                read.read
            );
        }
    });
}
