//! Items as the JSON protocol writes them: their size, what of it a unit is, and their keys as text.
//!
//! Source: "DynamoDB item sizes and formats" and "DynamoDB read and write operations" of the developer guide.

use std::cmp::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// Attributes by name; each value has one member, which is named after its type.
pub(super) type Item = Map<String, Value>;

/// Bytes of an item: names and values.
pub(super) fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

/// Bytes of a value. Numbers are billed by their digits, approximately as AWS says.
pub(super) fn value_size(value: &Value) -> usize {
    let Some((kind, content)) = typed(value) else { return 0 };
    match (kind, content) {
        ("S", Value::String(text)) => text.len(),
        ("N", Value::String(number)) => number_size(number),
        ("B", Value::String(text)) => binary_size(text),
        ("SS", Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::len).sum(),
        ("NS", Value::Array(all)) => all.iter().filter_map(Value::as_str).map(number_size).sum(),
        ("BS", Value::Array(all)) => all.iter().filter_map(Value::as_str).map(binary_size).sum(),
        ("L", Value::Array(all)) => 3 + all.iter().map(|value| 1 + value_size(value)).sum::<usize>(),
        ("M", Value::Object(all)) => {
            3 + all.iter().map(|(name, value)| 1 + name.len() + value_size(value)).sum::<usize>()
        }
        _ => 1,
    }
}

fn number_size(number: &str) -> usize {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let significant = digits.trim_matches('0').len();
    significant.div_ceil(2) + 1 + usize::from(number.starts_with('-'))
}

fn binary_size(text: &str) -> usize {
    text.trim_end_matches('=').len() * 3 / 4
}

/// Write units of so many bytes: one for each KB that is begun, and at least one.
pub(super) fn write_units(bytes: usize) -> f64 {
    bytes.div_ceil(1024).max(1) as f64
}

/// Read units of so many bytes: one for each 4 KB that are begun, and half of it for a read that need not be consistent.
pub(super) fn read_units(bytes: usize, consistent: bool) -> f64 {
    let units = bytes.div_ceil(4096).max(1) as f64;
    if consistent { units } else { units / 2.0 }
}

/// A value's type and content.
pub(super) fn typed(value: &Value) -> Option<(&str, &Value)> {
    let (kind, content) = value.as_object()?.iter().next()?;
    Some((kind, content))
}

/// The value of a key attribute, as counts name partitions.
pub(super) fn text(value: &Value) -> String {
    match typed(value) {
        Some((_, Value::String(text))) => text.clone(),
        _ => value.to_string(),
    }
}

/// The order of two scalars of one type; `None` where they have none.
pub(super) fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    let (Some((kind, Value::String(a))), Some((other, Value::String(b)))) = (typed(a), typed(b)) else {
        return None;
    };
    match kind {
        _ if kind != other => None,
        "S" => Some(a.as_bytes().cmp(b.as_bytes())),
        "B" => Some(STANDARD.decode(a).ok()?.cmp(&STANDARD.decode(b).ok()?)),
        "N" => a.parse::<f64>().ok()?.partial_cmp(&b.parse::<f64>().ok()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(value: Value) -> Item {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn an_item_is_as_large_as_aws_says() {
        assert_eq!(size(&item(json!({"pk": {"S": "häh"}, "n": {"N": "1200"}, "b": {"B": "AAEC"}}))), 13);
        assert_eq!(size(&item(json!({"m": {"M": {"k": {"BOOL": true}}}, "l": {"L": [{"NULL": true}]}}))), 13);
    }

    #[test]
    fn units_are_begun_kilobytes() {
        assert_eq!([0, 1, 1024, 1025].map(write_units), [1.0, 1.0, 1.0, 2.0]);
        assert_eq!([1, 4096, 4097].map(|bytes| read_units(bytes, true)), [1.0, 1.0, 2.0]);
        assert_eq!(read_units(4097, false), 1.0);
    }

    #[test]
    fn scalars_of_one_type_are_ordered() {
        let order = |a: Value, b: Value| compare(&a, &b);
        assert_eq!(order(json!({"N": "9"}), json!({"N": "10"})), Some(Ordering::Less));
        assert_eq!(order(json!({"S": "9"}), json!({"S": "10"})), Some(Ordering::Greater));
        assert_eq!(order(json!({"S": "9"}), json!({"N": "10"})), None);
    }
}
