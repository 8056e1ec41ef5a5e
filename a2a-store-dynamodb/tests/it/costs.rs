//! What the store is promised to cost, as the endpoint bills it.

use std::time::Duration;

use a2a::{StreamResponse, TaskState};
use a2a_core::{
    Deployment, Member, MemberState, Membership, Outcome, Principal, Reach, TaskQuery, TaskStore, Tenant,
    Version,
};
use a2a_store_dynamodb::{DynamoDbConfig, DynamoDbStore};
use a2a_testkit::sample::{TaskModel, at, instance, status};

use crate::place::Place;
use crate::place::meter::{Bill, Meter};
use crate::place::stream::Stream;

async fn metered(place: &Place) -> (DynamoDbStore, Meter) {
    let meter = Meter::default();
    let client = place.client_with(|builder| builder.interceptor(meter.clone())).await;
    // What is put off is counted where that is meant.
    let config = DynamoDbConfig::default().status_lag(Duration::from_secs(3600));
    (DynamoDbStore::with_client(client, &place.table).with_config(config), meter)
}

/// What a stream of small chunks writes from its first chunk to its end.
async fn bill_of(place: &Place, chunks: usize) -> Bill {
    let (store, meter) = metered(place).await;
    let mut stream = Stream::begin(&store, &format!("stream of {chunks}")).await;
    meter.take();
    stream.chunks(chunks, 120, 1).await;
    stream.status(TaskState::Completed).await;
    let bill = meter.take();
    assert_eq!(store.load(&stream.key).await.unwrap().unwrap().task, stream.task);
    bill
}

#[test]
fn a_long_stream_costs_as_much_per_chunk_as_a_short_one() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let short = bill_of(place, 500).await;
        let long = bill_of(place, 5_000).await;
        let (per_short, per_long) = (short.written / 500.0, long.written / 5_000.0);
        assert!(per_long <= 1.2 * per_short, "{per_long} units per chunk of 5,000, {per_short} of 500");
        // One unit per chunk, and the snapshots, and a transaction with two indexes at the end.
        assert!(per_long <= 1.5, "{per_long} write units per chunk");
        assert!(long.read <= 2.0, "{} read units while writing", long.read);
        assert!(long.total() < 5_050, "{} requests", long.total());
    });
}

#[test]
fn a_batch_of_small_chunks_costs_what_one_commit_of_their_size_costs() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, meter) = metered(place).await;
        let mut stream = Stream::begin(&store, "batched").await;
        meter.take();
        stream.chunks(600, 120, 20).await;
        let bill = meter.take();
        // 20 chunks are 2,400 bytes of noise, which compression leaves at some three units with their JSON.
        assert!(bill.written <= 600.0 / 20.0 * 4.0 + 64.0, "{} write units", bill.written);
    });
}

#[test]
fn a_finished_task_of_300_kb_is_loaded_with_two_requests_whatever_its_history() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, _) = metered(place).await;
        let mut stream = Stream::begin(&store, "finished").await;
        stream.chunks(300, 900, 1).await;
        stream.status(TaskState::Working).await;
        stream.status(TaskState::Completed).await;
        let (reader, meter) = metered(place).await;
        let stored = reader.load(&stream.key).await.unwrap().unwrap();
        assert_eq!((stored.task, stored.version), (stream.task, stream.tip.version));
        assert!(meter.take().total() <= 2);
    });
}

#[test]
fn a_task_of_one_commit_costs_its_size_and_two_places_in_indexes_and_is_read_with_one_request() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, meter) = metered(place).await;
        let model = TaskModel::new("short");
        let done = status(&model.task, TaskState::Completed, at(1));
        let draft = model.draft(vec![StreamResponse::Task(model.task.clone()), done]);
        assert_eq!(draft.send(&store, &model.key).await, Outcome::Applied(Version::new(1)));
        let bill = meter.take();
        // One item, and its two places in the indexes; and a look for webhooks.
        assert_eq!((bill.written, bill.read, bill.total()), (3.0, 1.0, 2), "{bill:?}");
        assert_eq!(store.load(&model.key).await.unwrap().unwrap().task, draft.task);
        let bill = meter.take();
        assert_eq!((bill.read, bill.total()), (1.0, 1), "{bill:?}");
    });
}

#[test]
fn a_parked_task_is_loaded_with_two_requests() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, meter) = metered(place).await;
        let mut stream = Stream::begin(&store, "parked").await;
        stream.chunks(30, 120, 1).await;
        stream.status(TaskState::InputRequired).await;
        meter.take();
        store.load(&stream.key).await.unwrap().unwrap();
        assert!(meter.take().total() <= 2);
    });
}

#[test]
fn a_status_within_a_turn_costs_its_entry_and_the_head_once_it_is_written() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        for (lag, units) in [(Duration::from_secs(3600), 1.0), (Duration::ZERO, 6.0)] {
            let (store, meter) = metered(place).await;
            let store = store.with_config(DynamoDbConfig::default().status_lag(lag));
            let mut stream = Stream::begin(&store, &format!("busy {lag:?}")).await;
            for _ in 0..20 {
                meter.take();
                stream.status(TaskState::Working).await;
                // The entry; the head; and its place in two indexes, each a removal and a new entry.
                assert_eq!(meter.take().written, units);
            }
        }
    });
}

#[test]
fn a_chunk_costs_one_write_unit_and_a_release_two() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, meter) = metered(place).await;
        let mut stream = Stream::begin(&store, "claimed").await;
        meter.take();
        for _ in 0..20 {
            stream.chunks(1, 500, 1).await;
            let bill = meter.take();
            assert_eq!((bill.written, bill.read, bill.total()), (1.0, 0.0, 1), "{bill:?}");
        }
        let claim = store.head(&stream.key).await.unwrap().unwrap().claim.unwrap();
        meter.take();
        store.release(&stream.key, &claim).await.unwrap();
        let bill = meter.take();
        assert_eq!((bill.written, bill.read, bill.total()), (2.0, 0.0, 1), "{bill:?}");
    });
}

#[test]
fn what_a_deployment_shares_and_one_member_cost_a_read_unit() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, meter) = metered(place).await;
        let keys = store.keys("bus", [1; 32]).await.unwrap();
        meter.take();
        store.format().await.unwrap();
        assert_eq!(store.keys("bus", [2; 32]).await.unwrap(), keys);
        store.member(&instance()).await.unwrap();
        let bill = meter.take();
        assert_eq!((bill.written, bill.total()), (0.0, 3), "{bill:?}");
        assert!(bill.read <= 3.0, "{bill:?}");
    });
}

#[test]
fn a_watcher_costs_a_write_unit_and_a_load_however_many_there_are_and_commits_cost_the_same() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, meter) = metered(place).await;
        let mut stream = Stream::begin(&store, "watched").await;
        meter.take();
        stream.status(TaskState::Working).await;
        let alone = meter.take();
        let (mut watchers, mut bills) = (Vec::new(), Vec::new());
        for _ in 0..100 {
            watchers.push(instance());
            store.watch(&stream.key, &watchers[watchers.len() - 1]).await.unwrap().unwrap();
            bills.push(meter.take());
        }
        assert_eq!((bills[0].written, bills[0].read), (1.0, 2.0), "{:?}", bills[0]);
        assert!(bills.iter().all(|bill| *bill == bills[0]), "{bills:?}");
        stream.status(TaskState::Working).await;
        assert_eq!(meter.take(), alone);
        assert_eq!(store.watchers(&stream.key).await.unwrap().len(), 100);
        // Some 40 for a read unit, and the head.
        let bill = meter.take();
        assert!(bill.read <= 100.0 / 40.0 + 1.5 && bill.total() == 2, "{bill:?}");
        store.unwatch(&stream.key, &watchers[0]).await.unwrap();
        assert_eq!(meter.take().written, 1.0);
    });
}

#[test]
fn a_beat_costs_one_write_unit_and_a_look_at_the_ring_one_read_unit() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, meter) = metered(place).await;
        let label = Some("a-deployment-7d9fbb6c4-x2x2x".to_owned());
        let mut members = Vec::new();
        for _ in 0..16 {
            members.push(Member {
                id: instance(),
                beat: 0,
                state: MemberState::Serving,
                reach: Reach::Topic,
                label: label.clone(),
            });
        }
        for beat in 0..3 {
            for member in &mut members {
                member.beat = beat;
                assert_eq!(store.beat(member).await.unwrap(), a2a_core::Beat::Alive);
                let bill = meter.take();
                assert_eq!((bill.written, bill.total()), (1.0, 1));
            }
        }
        assert_eq!(store.roster(Some(&members[3].id), 8).await.unwrap().len(), 8);
        let bill = meter.take();
        assert!(bill.read <= 1.0 && bill.total() == 1, "{bill:?}");
    });
}

#[test]
fn a_page_costs_the_same_however_many_tasks_others_have() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, meter) = metered(place).await;
        for n in 0..12 {
            TaskModel::new(&format!("mine {n}")).by("ann").begin(&store).await;
        }
        let mine = TaskQuery::new(Tenant::default(), Some(Principal::new("ann")), 5);
        let cost = async || {
            meter.take();
            assert_eq!(store.list(&mine).await.unwrap().total, 12);
            meter.take()
        };
        let alone = cost().await;
        for n in 0..200 {
            TaskModel::new(&format!("theirs {n}")).by("bob").begin(&store).await;
        }
        let crowded = cost().await;
        assert_eq!(alone, crowded);
    });
}

#[test]
fn a_state_filter_does_not_read_the_tasks_in_other_states() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, meter) = metered(place).await;
        for n in 0..150 {
            let mut model = TaskModel::new(&format!("done {n}")).by("ann").begin(&store).await;
            let end = status(&model.task, TaskState::Completed, at(n));
            model.tell(&store, vec![end]).await;
        }
        for n in 0..3 {
            TaskModel::new(&format!("new {n}")).by("ann").begin(&store).await;
        }
        let mut query = TaskQuery::new(Tenant::default(), Some(Principal::new("ann")), 50);
        query.state = Some(TaskState::Submitted);
        meter.take();
        assert_eq!(store.list(&query).await.unwrap().total, 3);
        let bill = meter.take();
        // One range of the index, in two partitions; the heads in one request, a short log each.
        assert!(bill.read <= 1.0 + 3.0 * 3.0, "{bill:?}");
        assert!(bill.total() <= 6, "{bill:?}");
    });
}

#[test]
fn a_list_without_artifacts_does_not_read_large_ones() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, meter) = metered(place).await;
        let mut stream = Stream::begin(&store, "large").await;
        stream.chunks(10, 100_000, 1).await;
        stream.status(TaskState::Completed).await;
        let mut query = TaskQuery::new(Tenant::default(), None, 5);
        meter.take();
        store.list(&query).await.unwrap();
        let units = meter.take().read;
        // The least for each of 30 ranges, the head and the snapshot without its artifacts.
        assert!(units <= 15.0 + 3.0, "{units} read units");
        query.artifacts = true;
        let page = store.list(&query).await.unwrap();
        assert_eq!(page.tasks[0].artifacts, stream.task.artifacts);
    });
}

#[test]
fn a_page_that_is_full_of_bytes_reads_no_further() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, meter) = metered(place).await;
        for n in 0..12 {
            let mut stream = Stream::begin(&store, &format!("large {n}")).await;
            stream.chunks(4, 100_000, 1).await;
            stream.status(TaskState::Completed).await;
        }
        let mut query = TaskQuery { artifacts: true, ..TaskQuery::new(Tenant::default(), None, 1) };
        meter.take();
        assert_eq!(store.list(&query).await.unwrap().tasks.len(), 1);
        let one = meter.take().read;
        query = TaskQuery { limit: 100, bytes: 1_000_000, ..query };
        let page = store.list(&query).await.unwrap();
        let full = meter.take().read;
        assert_eq!((page.tasks.len(), page.total), (2, 12));
        // The two, and the one that found no room.
        assert!(full <= 3.2 * one, "{full} read units, where a task has {one}");
        query.after = page.next;
        assert_eq!(store.list(&query).await.unwrap().tasks.len(), 2);
    });
}

#[test]
fn an_empty_replay_costs_two_read_units_at_most() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, meter) = metered(place).await;
        let mut stream = Stream::begin(&store, "quiet").await;
        stream.chunks(50, 120, 1).await;
        meter.take();
        let replay = store.commits_after(&stream.key, stream.tip.version).await.unwrap();
        assert_eq!(replay, a2a_core::Replay::Commits(Vec::new()));
        assert!(meter.take().read <= 2.0);
        assert!(stream.tip.version > Version::ABSENT);
    });
}

#[test]
fn a_listing_counts_once_and_no_longer_than_it_may() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, meter) = metered(place).await;
        for n in 0..12 {
            TaskModel::new(&format!("mine {n}")).by("ann").begin(&store).await;
        }
        let first = TaskQuery::new(Tenant::default(), Some(Principal::new("ann")), 5);
        meter.take();
        let page = store.list(&first).await.unwrap();
        assert_eq!(page.total, 12);
        let counting = meter.take();
        let second = TaskQuery { after: page.next, counted: Some(page.total), ..first.clone() };
        assert_eq!(store.list(&second).await.unwrap().total, 12);
        let bill = meter.take();
        // One query less for each of its eight places.
        assert_eq!(bill.total() + 8, counting.total(), "{bill:?} after {counting:?}");
        // A page of each place is counted in any case.
        let hasty = store.with_config(DynamoDbConfig::default().count_limit(Duration::ZERO));
        assert_eq!(hasty.list(&first).await.unwrap().total, 12);
    });
}
