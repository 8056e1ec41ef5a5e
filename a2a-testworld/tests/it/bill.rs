//! What is counted, as AWS bills it.

use a2a_testworld::weather::Weather;
use aws_sdk_dynamodb::types::{
    ConditionCheck, KeysAndAttributes, Put, ReturnConsumedCapacity, TransactWriteItem,
};

use crate::place::{BY_KIND, BY_OWNER, Item, Place, TABLE, item, key, s};

const OWNED: [(&str, &str); 2] = [("owner", "ann"), ("at", "1")];

fn put(item: Item, condition: Option<&str>) -> TransactWriteItem {
    let put = Put::builder().table_name(TABLE).set_item(Some(item));
    let put = put.set_condition_expression(condition.map(str::to_owned)).build().unwrap();
    TransactWriteItem::builder().put(put).build()
}

#[tokio::test(start_paused = true)]
async fn what_the_endpoint_reports_is_charged_to_each_partition_of_table_and_indexes() {
    let place = Place::new().await;
    place
        .put(item("p", "1", &[OWNED[0], OWNED[1], ("kind", "k"), ("body", &"x".repeat(2_100))]))
        .await
        .unwrap();
    place.put(item("q", "1", &OWNED)).await.unwrap();
    let counts = place.counts();
    let table = counts.table(TABLE);
    assert_eq!((table.partition("p").written, table.partition("q").written), (3.0, 1.0));
    assert_eq!(counts.index(TABLE, BY_OWNER).partition("ann").written, 2.0);
    assert_eq!(counts.index(TABLE, BY_KIND).partition("k").written, 1.0);
    assert_eq!((counts.tables[TABLE].total().written, counts.tables[TABLE].total().read), (7.0, 0.0));
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_moves_costs_two_units_and_one_that_stays_none() {
    let place = Place::new().await;
    place.put(item("p", "1", &OWNED)).await.unwrap();
    let update = async |expression: &str, value: &str| {
        place.proxy.clear_counts();
        let update = place.client.update_item().table_name(TABLE).set_key(Some(key("p", "1")));
        let update = update.update_expression(expression).expression_attribute_names("#a", "owner");
        let update =
            update.expression_attribute_names("#b", "body").expression_attribute_values(":v", s(value));
        update.send().await.unwrap();
        let owners = place.counts().index(TABLE, BY_OWNER);
        [owners.units.written, owners.partition("ann").written, owners.partition("ben").written]
    };
    assert_eq!(update("SET #b = :v REMOVE #a", "x").await, [1.0, 1.0, 0.0]);
    assert_eq!(update("SET #a = :v REMOVE #b", "ann").await, [1.0, 1.0, 0.0]);
    assert_eq!(update("SET #b = :v, #a = #a", "unprojected").await, [0.0, 0.0, 0.0]);
    assert_eq!(update("SET #a = :v REMOVE #b", "ben").await, [2.0, 1.0, 1.0]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_condition_costs_the_larger_of_both_items_and_no_index() {
    let place = Place::new().await;
    place.put(item("p", "1", &[OWNED[0], OWNED[1], ("body", &"x".repeat(3_000))])).await.unwrap();
    let refused = async |pk: &str, body: usize, condition: &str| {
        place.proxy.clear_counts();
        let body = "x".repeat(body);
        let put = place.client.put_item().table_name(TABLE).set_item(Some(item(
            pk,
            "1",
            &[("kind", "k"), ("body", &body)],
        )));
        let sent = put.condition_expression(condition).send().await;
        assert!(sent.unwrap_err().into_service_error().is_conditional_check_failed_exception());
        let counts = place.counts();
        assert_eq!(counts.operation("PutItem").conditions_failed, 1);
        assert_eq!(counts.index(TABLE, BY_KIND).units.written, 0.0);
        counts.table(TABLE).partition(pk).written
    };
    assert_eq!(refused("p", 10, "attribute_not_exists(pk)").await, 3.0);
    assert_eq!(refused("p", 4_500, "attribute_not_exists(pk)").await, 5.0);
    assert_eq!(refused("absent", 10, "attribute_exists(pk)").await, 1.0);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_doubles_the_tables_part_and_costs_as_much_when_it_is_cancelled() {
    let place = Place::new().await;
    let check = ConditionCheck::builder().table_name(TABLE).set_key(Some(key("guard", "1")));
    let check = check.condition_expression("attribute_not_exists(pk)").build().unwrap();
    let actions = vec![
        put(item("p", "1", &[OWNED[0], OWNED[1], ("body", &"x".repeat(1_500))]), None),
        TransactWriteItem::builder().condition_check(check).build(),
    ];
    let transact = || place.client.transact_write_items().set_transact_items(Some(actions.clone())).send();
    let units = || {
        let counts = place.counts();
        let table = counts.table(TABLE);
        [
            table.partition("p").written,
            table.partition("guard").written,
            counts.index(TABLE, BY_OWNER).units.written,
        ]
    };
    transact().await.unwrap();
    assert_eq!(units(), [4.0, 2.0, 1.0]);
    place.put(item("guard", "1", &[])).await.unwrap();
    place.proxy.clear_counts();
    transact().await.unwrap_err();
    assert_eq!(units(), [4.0, 2.0, 0.0]);
    assert_eq!(place.counts().operation("TransactWriteItems").cancelled, 1);
}

#[tokio::test(start_paused = true)]
async fn reads_are_charged_to_what_they_read() {
    let place = Place::new().await;
    place.put(item("p", "1", &[OWNED[0], OWNED[1], ("body", &"x".repeat(9_000))])).await.unwrap();
    place.put(item("q", "1", &OWNED)).await.unwrap();
    place.proxy.clear_counts();
    let keys = KeysAndAttributes::builder().keys(key("p", "1")).keys(key("q", "1")).keys(key("none", "1"));
    place
        .client
        .batch_get_item()
        .request_items(TABLE, keys.consistent_read(true).build().unwrap())
        .send()
        .await
        .unwrap();
    let query =
        place.client.query().table_name(TABLE).index_name(BY_OWNER).key_condition_expression("#o = :o");
    let query = query.expression_attribute_names("#o", "owner").expression_attribute_values(":o", s("ann"));
    query.send().await.unwrap();
    place.client.scan().table_name(TABLE).send().await.unwrap();
    let counts = place.counts();
    let table = counts.table(TABLE);
    let read = ["p", "q", "none"].map(|partition| table.partition(partition).read);
    assert_eq!(read, [3.0, 1.0, 1.0]);
    assert_eq!(counts.index(TABLE, BY_OWNER).partition("ann").read, 0.5);
    assert_eq!(table.units.read, 5.0 + 1.5);
    assert_eq!(table.units.written, 0.0);
}

#[tokio::test(start_paused = true)]
async fn a_client_sees_of_the_capacity_what_it_asked_for() {
    let place = Place::new().await;
    place.proxy.set(Weather::clear());
    let put = async |detail: Option<ReturnConsumedCapacity>| {
        let put = place.client.put_item().table_name(TABLE).set_item(Some(item("p", "1", &OWNED)));
        let done = put.set_return_consumed_capacity(detail).send().await.unwrap().consumed_capacity;
        place.client.delete_item().table_name(TABLE).set_key(Some(key("p", "1"))).send().await.unwrap();
        done
    };
    assert_eq!(put(None).await, None);
    let total = put(Some(ReturnConsumedCapacity::Total)).await.unwrap();
    assert_eq!((total.capacity_units, total.table, total.global_secondary_indexes), (Some(2.0), None, None));
    let all = put(Some(ReturnConsumedCapacity::Indexes)).await.unwrap();
    assert_eq!(all.table.unwrap().capacity_units, Some(1.0));
    assert_eq!(all.global_secondary_indexes.unwrap()[BY_OWNER].capacity_units, Some(1.0));
}
