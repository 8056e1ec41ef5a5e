//! Throughput of partitions and tables.

use a2a_testworld::weather::{Limits, ThrottlingName, Weather};
use aws_sdk_dynamodb::operation::RequestId;
use futures::StreamExt;
use futures::stream;

use crate::place::{Failed, Item, Place, TABLE, item, key, seconds};

/// An item of a kilobyte.
fn kilobyte(pk: &str, sk: usize) -> Item {
    item(pk, &format!("{sk:06}"), &[("body", &"x".repeat(900))])
}

/// How many of so many writes to a partition pass; the others must be throttled.
async fn passing(place: &Place, pk: &str, writes: std::ops::Range<usize>) -> usize {
    let put = |sk| place.put(kilobyte(pk, sk));
    let done: Vec<_> = stream::iter(writes).map(put).buffer_unordered(16).collect().await;
    let throttled = |failed: &Failed| {
        let names = ["ThrottlingException", "ProvisionedThroughputExceededException"];
        names.contains(&failed.code.as_deref().unwrap_or_default())
    };
    assert!(done.iter().all(|done| done.as_ref().err().is_none_or(throttled)), "{done:?}");
    done.iter().filter(|done| done.is_ok()).count()
}

#[tokio::test(start_paused = true)]
async fn a_partition_takes_a_thousand_units_a_second_and_another_one_is_not_concerned() {
    let place = Place::new().await;
    place.proxy.set(Weather::clear().limits(Limits::default()));
    assert_eq!(passing(&place, "hot", 0..2_000).await, 1_000);
    assert_eq!(passing(&place, "cold", 0..300).await, 300);
    tokio::time::advance(seconds(0.5)).await;
    assert_eq!(passing(&place, "hot", 2_000..2_600).await, 500);
    let counts = place.counts();
    let table = counts.table(TABLE);
    assert_eq!((table.partition("hot").written, table.partition("cold").written), (1_500.0, 300.0));
    assert_eq!(table.throttled, 1_100);
    assert_eq!(counts.operation("PutItem").throttled, 1_100);
    assert_eq!(counts.operation("PutItem").requests, 2_900);
}

#[tokio::test(start_paused = true)]
async fn a_partition_gives_three_thousand_read_units_a_second() {
    let place = Place::new().await;
    place.put(item("hot", "1", &[("body", &"x".repeat(300_000))])).await.unwrap();
    place.proxy.set(Weather::clear().limits(Limits::default()));
    // 74 units each.
    let get = || {
        place.client.get_item().table_name(TABLE).consistent_read(true).set_key(Some(key("hot", "1"))).send()
    };
    let mut read = 0;
    while read < 100 && get().await.is_ok() {
        read += 1;
    }
    assert_eq!(read, 3_000_usize.div_ceil(74));
    let query = place.client.query().table_name(TABLE).key_condition_expression("pk = :pk");
    let query = query.expression_attribute_values(":pk", crate::place::s("hot"));
    let failed = Failed::of(query.clone().send().await.unwrap_err().into());
    assert_eq!(failed.throttled[0].0, "TableReadKeyRangeThroughputExceeded");
    // Half of the units, for nobody asks for consistency.
    tokio::time::advance(seconds(1.0)).await;
    query.send().await.unwrap();
    let read_units = place.counts().table(TABLE).partition("hot").read;
    assert_eq!(read_units, f64::from(u32::try_from(read).unwrap()) * 74.0 + 37.0);
}

#[tokio::test(start_paused = true)]
async fn a_request_may_take_more_than_is_left_and_the_next_one_waits_for_it() {
    let place = Place::new().await;
    let limits = Limits { partition_writes: 10.0, ..Limits::default() };
    place.proxy.set(Weather::clear().limits(limits));
    place.put(item("p", "large", &[("body", &"x".repeat(100 * 1_024 - 100))])).await.unwrap();
    for (wait, pass) in [(0.0, 0), (8.9, 0), (0.2, 1)] {
        tokio::time::advance(seconds(wait)).await;
        assert_eq!(passing(&place, "p", 0..1).await, pass, "after {wait}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_table_takes_so_many_units_however_many_partitions_share_them() {
    let place = Place::new().await;
    let limits = Limits { table_writes: 40.0, burst_seconds: 1.0, ..Limits::default() };
    place.proxy.set(Weather::clear().limits(limits));
    let mut passed = 0;
    for partition in 0..10 {
        passed += passing(&place, &format!("p{partition}"), 0..10).await;
    }
    assert_eq!(passed, 80);
}

#[tokio::test(start_paused = true)]
async fn throttling_is_told_by_either_name_with_its_reason_and_its_resource() {
    let place = Place::new().await;
    let arn = place
        .direct
        .describe_table()
        .table_name(TABLE)
        .send()
        .await
        .unwrap()
        .table
        .unwrap()
        .table_arn
        .unwrap();
    let names = [
        (ThrottlingName::Throttling, "ThrottlingException"),
        (ThrottlingName::ProvisionedThroughput, "ProvisionedThroughputExceededException"),
    ];
    for (exception, name) in names {
        let limits = Limits { partition_writes: 0.0, exception, ..Limits::default() };
        place.proxy.set(Weather::clear().limits(limits));
        let failed = place.put(kilobyte("p", 0)).await.unwrap_err();
        assert_eq!(failed.code.as_deref(), Some(name));
        assert_eq!(failed.throttled, [("TableWriteKeyRangeThroughputExceeded".to_owned(), arn.clone())]);
    }
    let limits = Limits { account_writes: 0.0, ..Limits::default() };
    place.proxy.set(Weather::clear().limits(limits));
    assert_eq!(
        place.put(kilobyte("p", 0)).await.unwrap_err().throttled[0].0,
        "TableWriteAccountLimitExceeded"
    );
    assert!(place.has("p", "000000").await.is_none());
    place.proxy.set(Weather::clear());
    place.put(kilobyte("p", 0)).await.unwrap();
    assert_eq!(place.counts().reasons["TableWriteKeyRangeThroughputExceeded"], 2);
}

#[tokio::test(start_paused = true)]
async fn answers_of_the_weather_have_a_request_id() {
    let place = Place::new().await;
    place.proxy.set(Weather::clear().limits(Limits { partition_reads: 0.0, ..Limits::default() }));
    let get = place.client.get_item().table_name(TABLE).set_key(Some(key("p", "1")));
    assert_eq!(get.send().await.unwrap_err().request_id(), Some("weather"));
}
