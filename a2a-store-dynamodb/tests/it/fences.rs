//! What stops a writer: an append that costs the same whatever the task, and that learns from losing where the log ends.

use std::time::Duration;

use a2a::{Part, TaskState};
use a2a_core::{Outcome, TaskStore, Tip};
use a2a_store_dynamodb::{DynamoDbConfig, DynamoDbStore};
use a2a_testkit::sample::{TaskModel, chunk, commit_id};

use crate::place::Place;
use crate::place::meter::Meter;
use crate::place::stream::Stream;

async fn metered(place: &Place) -> (DynamoDbStore, Meter) {
    let meter = Meter::default();
    let client = place.client_with(|builder| builder.interceptor(meter.clone())).await;
    (DynamoDbStore::with_client(client, &place.table).with_config(DynamoDbConfig::default()), meter)
}

#[test]
fn a_fence_takes_two_reads_and_one_write_whatever_the_task() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, meter) = metered(place).await;
        for chunks in [0, 10, 1_000] {
            let mut stream = Stream::begin(&store, &format!("stream of {chunks}")).await;
            stream.status(TaskState::Working).await;
            stream.chunks(chunks, 900, 1).await;
            meter.take();
            let tip = store.fence(&stream.key, commit_id()).await.unwrap();
            let bill = meter.take();
            assert_eq!(tip, Some(Tip { version: stream.tip.version.next(), ..stream.tip }));
            assert_eq!(bill.total(), 3, "{bill:?} after {chunks} chunks");
            assert!(bill.written <= 1.0 && bill.read <= 2.0, "{bill:?} after {chunks} chunks");
        }
    });
}

#[test]
fn a_fence_wins_against_somebody_who_commits_back_to_back_and_looks_for_the_end_once() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (fencer, meter) = metered(place).await;
        for round in 0..5 {
            let writer = place.store(|config| config).await;
            let mut model = TaskModel::new(&round.to_string()).begin(&writer).await;
            let key = model.key.clone();
            meter.take();
            let talks = async {
                loop {
                    let piece = chunk(&model.task, "a", vec![Part::text("x")], model.version.get() > 1);
                    let draft = model.draft(vec![piece]);
                    match writer.commit(&model.key, draft.commit()).await.unwrap() {
                        Outcome::Applied(_) => model.accept(&draft),
                        Outcome::Conflict { .. } => return model.tip(),
                    }
                    // An executor leaves room now and then.
                    if model.version.get() % 100 == 0 {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            };
            let (end, fenced) = tokio::join!(talks, fencer.fence(&key, commit_id()));
            let fenced = fenced.unwrap();
            let bill = meter.take();
            assert_eq!(fenced, Some(Tip { version: end.version.next(), ..end }));
            assert_eq!((bill.requests["GetItem"], bill.requests["Query"]), (1, 1), "{bill:?}");
        }
    });
}
