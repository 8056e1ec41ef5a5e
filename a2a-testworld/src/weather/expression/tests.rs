use serde_json::{Value, json};

use super::super::item::Item;
use super::*;

fn object(value: Value) -> Item {
    value.as_object().unwrap().clone()
}

fn request() -> Item {
    object(json!({
        "ExpressionAttributeNames": {"#s": "state", "#m": "map"},
        "ExpressionAttributeValues": {":a": {"S": "a"}, ":b": {"S": "b"}, ":two": {"N": "2"}, ":s": {"S": "S"}},
    }))
}

fn check(expression: &str, item: Value) -> bool {
    let request = request();
    let condition = parse(expression, &Scope::of(&request));
    holds(&condition.unwrap_or_else(|| panic!("{expression} is not understood")), &object(item))
}

#[test]
fn conditions_hold_as_in_dynamodb() {
    let item = json!({
        "pk": {"S": "abc"}, "state": {"S": "a"}, "n": {"N": "2.0"},
        "map": {"M": {"l": {"L": [{"S": "x"}, {"S": "b"}]}}}, "set": {"SS": ["a", "c"]},
    });
    for held in [
        "#s = :a",
        "#s <> :b",
        "#s < :b AND n >= :two",
        "n = :two",
        "NOT #s = :b",
        "#s = :b OR begins_with(pk, :a)",
        "(#s = :b OR #s = :a) AND attribute_exists(n)",
        "attribute_not_exists(x) OR x > :two",
        "#s BETWEEN :a AND :b AND n = :two",
        "#s IN (:b, :a)",
        "#m.l[1] = :b",
        "contains(set, :a)",
        "contains(#m.l, :b)",
        "attribute_type(pk, :s)",
        "size(#m.l) = :two",
        "size(set)=:two",
    ] {
        assert!(check(held, item.clone()), "{held}");
        assert!(!check(&format!("NOT ({held})"), item.clone()), "NOT ({held})");
    }
    assert!(!check("missing = :a", item.clone()));
    assert!(!check("missing <> :a", item));
}

#[test]
fn what_is_not_understood_is_said_to_be() {
    let request = request();
    for broken in ["#s", "#s = :missing", "#s = :a :b", "#unknown = :a", "(#s = :a"] {
        assert_eq!(parse(broken, &Scope::of(&request)), None, "{broken}");
    }
}

#[test]
fn a_condition_tells_the_partition_that_it_names() {
    let request = request();
    let condition = parse("n > :two AND #s = :a", &Scope::of(&request)).unwrap();
    assert_eq!(condition.equal_to("state"), Some(&json!({"S": "a"})));
    assert_eq!(condition.equal_to("n"), None);
}

#[test]
fn an_update_tells_what_becomes_of_attributes() {
    let request = request();
    let expression =
        "SET #s = :b, n = n + :two, x = if_not_exists(x, :a) REMOVE y, #m.l ADD count :two SET z = :a";
    let mut item = object(json!({"state": {"S": "a"}, "n": {"N": "2"}, "y": {"S": "y"}}));
    for assignment in assignments(expression, &Scope::of(&request)) {
        assignment.apply(&mut item);
    }
    let after = json!({
        "state": {"S": "b"}, "n": {"N": "2"}, "x": {"S": "a"}, "count": {"N": "2"}, "z": {"S": "a"},
    });
    assert_eq!(Value::Object(item), after);
}
