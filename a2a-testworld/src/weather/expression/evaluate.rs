//! Whether a condition holds for an item.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::super::item::{self, Item};
use super::condition::{Condition, Operand, Step};

/// Whether a condition holds.
pub(in crate::weather) fn holds(condition: &Condition, of: &Item) -> bool {
    match condition {
        Condition::And(a, b) => holds(a, of) && holds(b, of),
        Condition::Or(a, b) => holds(a, of) || holds(b, of),
        Condition::Not(inner) => !holds(inner, of),
        Condition::Compare(a, sign, b) => match (value(a, of), value(b, of)) {
            (Some(a), Some(b)) => compares(&a, sign, &b),
            _ => false,
        },
        Condition::Between(what, low, high) => match (value(what, of), value(low, of), value(high, of)) {
            (Some(what), Some(low), Some(high)) => {
                compares(&what, ">=", &low) && compares(&what, "<=", &high)
            }
            _ => false,
        },
        Condition::In(what, list) => value(what, of)
            .is_some_and(|what| list.iter().any(|one| value(one, of).is_some_and(|one| one == what))),
        Condition::Call(name, operands) => call(name, operands, of),
    }
}

fn compares(a: &Value, sign: &str, b: &Value) -> bool {
    let order = item::compare(a, b);
    match sign {
        "=" => order == Some(Ordering::Equal) || a == b,
        "<>" => order != Some(Ordering::Equal) && a != b,
        "<" => order == Some(Ordering::Less),
        "<=" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        ">" => order == Some(Ordering::Greater),
        _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

fn call(name: &str, operands: &[Operand], of: &Item) -> bool {
    let values: Vec<Option<Value>> = operands.iter().map(|operand| value(operand, of)).collect();
    match (name, values.as_slice()) {
        ("attribute_exists", [found]) => found.is_some(),
        ("attribute_not_exists", [found]) => found.is_none(),
        ("attribute_type", [Some(found), Some(kind)]) => {
            item::typed(found).map(|(kind, _)| kind) == kind.get("S").and_then(Value::as_str)
        }
        ("begins_with", [Some(found), Some(start)]) => {
            found.as_object().map(|all| all.keys().next()) == start.as_object().map(|all| all.keys().next())
                && item::text(found).starts_with(&item::text(start))
        }
        ("contains", [Some(found), Some(part)]) => contains(found, part),
        _ => false,
    }
}

fn contains(found: &Value, part: &Value) -> bool {
    match item::typed(found) {
        Some(("S", Value::String(text))) => {
            part.get("S").and_then(Value::as_str).is_some_and(|part| text.contains(part))
        }
        Some(("SS" | "NS" | "BS", Value::Array(all))) => {
            item::typed(part).is_some_and(|(_, part)| all.contains(part))
        }
        Some(("L", Value::Array(all))) => all.contains(part),
        _ => false,
    }
}

fn value(operand: &Operand, of: &Item) -> Option<Value> {
    match operand {
        Operand::Value(value) => Some(value.clone()),
        Operand::Path(path) => at(path, of).cloned(),
        Operand::Size(path) => Some(json!({ "N": length(at(path, of)?).to_string() })),
    }
}

fn at<'a>(path: &[Step], of: &'a Item) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let Step::Name(name) = first else { return None };
    rest.iter().try_fold(of.get(name)?, |value, step| match step {
        Step::Name(name) => value.get("M")?.get(name),
        Step::Index(index) => value.get("L")?.get(index),
    })
}

fn length(value: &Value) -> usize {
    match item::typed(value) {
        Some((_, Value::Array(all))) => all.len(),
        Some((_, Value::Object(all))) => all.len(),
        _ => item::value_size(value),
    }
}
