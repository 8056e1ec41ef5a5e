use serde_json::{Value, json};

use super::*;

fn object(value: Value) -> Item {
    value.as_object().unwrap().clone()
}

fn schema() -> Arc<Schema> {
    let key = |hash: &str, range: &str| json!([{"AttributeName": hash, "KeyType": "HASH"}, {"AttributeName": range, "KeyType": "RANGE"}]);
    let table = json!({
        "TableArn": "arn:aws:dynamodb:eu-central-1:000000000000:table/t",
        "KeySchema": key("pk", "sk"),
        "GlobalSecondaryIndexes": [
            {"IndexName": "keys", "KeySchema": key("owner", "at"), "Projection": {"ProjectionType": "KEYS_ONLY"}},
            {"IndexName": "some", "KeySchema": key("owner", "sk"),
             "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["state"]}},
        ],
    });
    Arc::new(Schema::read(&table).unwrap())
}

/// What a change of an item costs: units of the table and of partitions of indexes.
fn cost(before: Option<Value>, change: Change) -> Vec<(Option<String>, String, f64)> {
    let mut plan = Plan::new(Write { table: "t".to_owned(), change }, schema()).unwrap();
    plan.found(before.map(object));
    let told = |line: Line| (line.index, line.partition.unwrap(), line.units);
    plan.lines(1.0).into_iter().map(told).collect()
}

fn index(name: &str, partition: &str, units: f64) -> (Option<String>, String, f64) {
    (Some(name.to_owned()), partition.to_owned(), units)
}

fn table(units: f64) -> (Option<String>, String, f64) {
    (None, "p".to_owned(), units)
}

fn item(owner: &str, at: &str, state: &str) -> Value {
    json!({"pk": {"S": "p"}, "sk": {"S": "s"}, "owner": {"S": owner}, "at": {"S": at}, "state": {"S": state}})
}

fn put(item: Value) -> Change {
    Change::Put(object(item))
}

#[test]
fn an_entry_that_comes_or_goes_costs_a_unit() {
    let one = item("ann", "1", "new");
    let both = [table(1.0), index("keys", "ann", 1.0), index("some", "ann", 1.0)];
    assert_eq!(cost(None, put(one.clone())), both);
    let key = object(json!({"pk": {"S": "p"}, "sk": {"S": "s"}}));
    assert_eq!(cost(Some(one.clone()), Change::Delete(key.clone())), both);
    assert_eq!(cost(Some(one), put(Value::Object(key))), both);
}

#[test]
fn an_entry_that_moves_costs_a_unit_where_it_was_and_a_unit_where_it_is() {
    let moved = cost(Some(item("ann", "1", "new")), put(item("ben", "1", "new")));
    let expected = [
        table(1.0),
        index("keys", "ann", 1.0),
        index("keys", "ben", 1.0),
        index("some", "ann", 1.0),
        index("some", "ben", 1.0),
    ];
    assert_eq!(moved, expected);
    let within = cost(Some(item("ann", "1", "new")), put(item("ann", "2", "new")));
    assert_eq!(within, [table(1.0), index("keys", "ann", 1.0), index("keys", "ann", 1.0)]);
}

#[test]
fn an_entry_whose_projection_does_not_change_costs_nothing() {
    let changed = cost(Some(item("ann", "1", "new")), put(item("ann", "1", "done")));
    assert_eq!(changed, [table(1.0), index("some", "ann", 1.0)]);
    assert_eq!(cost(Some(item("ann", "1", "new")), put(item("ann", "1", "new"))), [table(1.0)]);
}

#[test]
fn the_larger_of_both_items_counts() {
    let mut large = item("ann", "1", "new");
    large["body"] = json!({"S": "x".repeat(3_000)});
    assert_eq!(cost(Some(large.clone()), put(item("ann", "1", "new"))), [table(3.0)]);
    assert_eq!(cost(Some(item("ann", "1", "new")), put(large)), [table(3.0)]);
}

#[test]
fn an_update_shows_ahead_where_an_entry_goes() {
    let key = object(json!({"pk": {"S": "p"}, "sk": {"S": "s"}}));
    let effect = super::super::expression::Effect::Set(json!({"S": "ben"}));
    let assignment = super::super::expression::Assignment { attribute: "owner".to_owned(), effect };
    let moved = cost(Some(item("ann", "1", "new")), Change::Update(key, vec![assignment]));
    assert!(moved.contains(&index("keys", "ben", 1.0)), "{moved:?}");
}
