//! Index partitions that are out of units, and what the table's writes are told.

use a2a_testworld::weather::{Limits, ThrottlingName, Weather};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput};
use aws_sdk_dynamodb::types::{Delete, Put, PutRequest, TransactWriteItem, Update, WriteRequest};

use crate::place::{BY_KIND, BY_OWNER, Item, Place, TABLE, item, key, s, seconds};

/// Lets partitions take ten units a second.
fn ten() -> Weather {
    let exception = ThrottlingName::Throttling;
    Weather::clear().limits(Limits { partition_writes: 10.0, exception, ..Limits::default() })
}

/// Uses up the index partition of an owner, with writes to many partitions of the table.
async fn exhaust(place: &Place, owner: &str) {
    for n in 0..10 {
        let written = item(&format!("{owner} {n}"), "1", &[("owner", owner), ("at", "1")]);
        place.put(written).await.unwrap();
    }
}

fn put(item: Item) -> TransactWriteItem {
    let put = Put::builder().table_name(TABLE).set_item(Some(item)).build().unwrap();
    TransactWriteItem::builder().put(put).build()
}

async fn transact(
    place: &Place,
    actions: Vec<TransactWriteItem>,
) -> Result<TransactWriteItemsOutput, Vec<String>> {
    let sent = place.client.transact_write_items().set_transact_items(Some(actions)).send().await;
    sent.map_err(|error: SdkError<TransactWriteItemsError>| match error.into_service_error() {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => {
            let reasons = cancelled.cancellation_reasons().iter();
            reasons.map(|reason| reason.code.clone().unwrap_or_default()).collect()
        }
        other => panic!("{other:?}"),
    })
}

#[tokio::test(start_paused = true)]
async fn an_index_partition_without_units_throttles_the_tables_writes_that_touch_it() {
    let place = Place::new().await;
    place.proxy.set(ten());
    exhaust(&place, "ann").await;
    let failed = place.put(item("elsewhere", "1", &[("owner", "ann"), ("at", "2")])).await.unwrap_err();
    let [(reason, resource)] = failed.throttled.as_slice() else { panic!("{failed:?}") };
    assert_eq!(reason, "IndexWriteKeyRangeThroughputExceeded");
    assert!(resource.ends_with(&format!("table/{TABLE}/index/{BY_OWNER}")), "{resource}");
    // Writes that do not touch it pass, to the same partition of the table, too.
    place.put(item("elsewhere", "2", &[("owner", "ben"), ("at", "2")])).await.unwrap();
    place.put(item("elsewhere", "3", &[("kind", "k")])).await.unwrap();
    place.put(item("ann 0", "2", &[])).await.unwrap();
    // So does one of an item whose entry stays as it is.
    place.put(item("ann 0", "1", &[("owner", "ann"), ("at", "1"), ("body", "new")])).await.unwrap();
    tokio::time::advance(seconds(0.1)).await;
    place.put(item("elsewhere", "1", &[("owner", "ann"), ("at", "2")])).await.unwrap();
    let counts = place.counts();
    assert_eq!(counts.index(TABLE, BY_OWNER).throttled, 1);
    assert_eq!(counts.index(TABLE, BY_OWNER).partition("ann").written, 11.0);
    assert_eq!(counts.index(TABLE, BY_KIND).partition("k").written, 1.0);
    assert_eq!(counts.table(TABLE).throttled, 0);
}

#[tokio::test(start_paused = true)]
async fn a_write_is_throttled_by_the_partition_that_its_entry_leaves_and_by_the_one_that_it_enters() {
    let place = Place::new().await;
    place.put(item("p", "1", &[("owner", "ann"), ("at", "1")])).await.unwrap();
    let move_to = async |owner: &str| {
        let update = place.client.update_item().table_name(TABLE).set_key(Some(key("p", "1")));
        let update = update.update_expression("SET #o = :o").expression_attribute_names("#o", "owner");
        update.expression_attribute_values(":o", s(owner)).send().await.is_ok()
    };
    for exhausted in ["ann", "ben"] {
        place.proxy.set(ten());
        exhaust(&place, exhausted).await;
        assert!(!move_to("ben").await, "{exhausted}");
        tokio::time::advance(seconds(1.0)).await;
    }
    assert!(move_to("ben").await);
    let delete = place.client.delete_item().table_name(TABLE).set_key(Some(key("p", "1")));
    exhaust(&place, "cat").await;
    delete.clone().send().await.unwrap();
    place.put(item("p", "1", &[("owner", "cat"), ("at", "1")])).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_transaction_is_cancelled_for_the_guilty_and_the_innocent_pay() {
    let place = Place::new().await;
    place.proxy.set(ten());
    exhaust(&place, "ann").await;
    place.proxy.clear_counts();
    let actions = vec![
        put(item("one", "1", &[("body", &"x".repeat(2_000))])),
        put(item("two", "1", &[("owner", "ann"), ("at", "2")])),
        put(item("three", "1", &[("owner", "ben"), ("at", "2")])),
    ];
    let reasons = transact(&place, actions.clone()).await.unwrap_err();
    assert_eq!(reasons, ["None", "ThrottlingError", "None"]);
    assert!(place.has("one", "1").await.is_none());
    let counts = place.counts();
    assert_eq!(counts.operation("TransactWriteItems").cancelled, 1);
    let table = counts.table(TABLE);
    let written = ["one", "two", "three"].map(|partition| table.partition(partition).written);
    assert_eq!(written, [4.0, 0.0, 2.0]);
    assert_eq!(counts.index(TABLE, BY_OWNER).units.written, 0.0);
    // It costs units that others lack then.
    tokio::time::advance(seconds(0.1)).await;
    transact(&place, actions).await.unwrap();
    let table = place.counts().table(TABLE);
    let written = ["one", "two", "three"].map(|partition| table.partition(partition).written);
    assert_eq!(written, [8.0, 2.0, 4.0]);
    let owners = place.counts().index(TABLE, BY_OWNER);
    assert_eq!((owners.partition("ann").written, owners.partition("ben").written), (1.0, 1.0));
}

#[tokio::test(start_paused = true)]
async fn repeated_cancellations_use_a_partition_up() {
    let place = Place::new().await;
    place.proxy.set(ten());
    exhaust(&place, "ann").await;
    let actions =
        || vec![put(item("one", "1", &[])), put(item("two", "1", &[("owner", "ann"), ("at", "2")]))];
    for _ in 0..5 {
        assert_eq!(transact(&place, actions()).await.unwrap_err(), ["None", "ThrottlingError"]);
    }
    assert_eq!(transact(&place, actions()).await.unwrap_err(), ["ThrottlingError", "ThrottlingError"]);
}

#[tokio::test(start_paused = true)]
async fn all_kinds_of_actions_touch_indexes() {
    let place = Place::new().await;
    for pk in ["updated", "deleted"] {
        place.put(item(pk, "1", &[("owner", "ben"), ("at", "1")])).await.unwrap();
    }
    place.proxy.set(ten());
    exhaust(&place, "ben").await;
    let update = Update::builder().table_name(TABLE).set_key(Some(key("updated", "1")));
    let update =
        update.update_expression("REMOVE #o").expression_attribute_names("#o", "owner").build().unwrap();
    let delete = Delete::builder().table_name(TABLE).set_key(Some(key("deleted", "1"))).build().unwrap();
    let actions = vec![
        TransactWriteItem::builder().update(update).build(),
        TransactWriteItem::builder().delete(delete).build(),
    ];
    assert_eq!(transact(&place, actions).await.unwrap_err(), ["ThrottlingError", "ThrottlingError"]);
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_only_the_guilty_stay_unprocessed() {
    let place = Place::new().await;
    place.proxy.set(ten());
    exhaust(&place, "ann").await;
    let request = |item| {
        let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    };
    let guilty = request(item("two", "1", &[("owner", "ann"), ("at", "2")]));
    let all = vec![request(item("one", "1", &[])), guilty.clone(), request(item("three", "1", &[]))];
    let done = place.client.batch_write_item().request_items(TABLE, all).send().await.unwrap();
    assert_eq!(done.unprocessed_items().unwrap()[TABLE], std::slice::from_ref(&guilty));
    assert!(place.has("one", "1").await.is_some() && place.has("three", "1").await.is_some());
    assert!(place.has("two", "1").await.is_none());
    place.client.batch_write_item().request_items(TABLE, vec![guilty]).send().await.unwrap_err();
    let outcomes = place.counts().operation("BatchWriteItem");
    assert_eq!((outcomes.items_unprocessed, outcomes.throttled), (1, 1));
}
