//! Values of a caller's or an agent's own, such as metadata: whether they can be kept as they are.

use std::cell::OnceCell;
use std::collections::HashMap;

use serde_json::{Number, Value};

use crate::bindings::limits::RequestLimits;
use crate::bindings::nesting;
use crate::bindings::violations::Violations;

/// Up to here every whole number has a floating point of its own, which is all that protobuf has.
const MOST: u64 = 1 << 53;
/// From here on a parser makes a floating point of a whole number, too.
const PARSED_AS_FLOAT: f64 = 9_223_372_036_854_775_808.0;
/// The least digits of such a number.
const DIGITS: usize = 19;

const NOT_KEPT: &str = "holds a whole number beyond 2^53, which cannot be kept exactly; send it as a string";

/// What the values of one request may be.
#[derive(Debug)]
pub(in crate::bindings) struct Values<'a> {
    max_nesting: usize,
    /// The request as it was written.
    text: &'a str,
    /// The whole numbers in it that are parsed as floating point, sorted by their bits: looked for once a value may be one.
    rounded: OnceCell<Vec<u64>>,
}

impl<'a> Values<'a> {
    pub(super) fn of(text: &'a str, limits: &RequestLimits) -> Self {
        Values { max_nesting: limits.max_nesting, text, rounded: OnceCell::new() }
    }

    /// Looks at a value, and what is inside of it.
    pub(super) fn check(&self, field: &str, value: &Value, violations: &mut Violations) {
        self.check_within(self.max_nesting, field, value, violations);
    }

    /// Looks at an object, as a struct of the proto.
    pub(super) fn check_fields(
        &self,
        field: &str,
        fields: &HashMap<String, Value>,
        violations: &mut Violations,
    ) {
        for value in fields.values() {
            self.check_within(self.max_nesting.saturating_sub(1), field, value, violations);
        }
    }

    fn check_within(&self, most: usize, field: &str, value: &Value, violations: &mut Violations) {
        if !nesting::json_within(value, most) {
            violations.too_deep(field, most);
        } else if !self.keeps(value) {
            violations.add(field, NOT_KEPT);
        }
    }

    /// Tells whether a value comes through protobuf as it is: its numbers have 64 bits with a floating point.
    fn keeps(&self, value: &Value) -> bool {
        match value {
            Value::Number(number) => self.keeps_number(number),
            Value::Array(items) => items.iter().all(|item| self.keeps(item)),
            Value::Object(fields) => fields.values().all(|field| self.keeps(field)),
            Value::Null | Value::Bool(_) | Value::String(_) => true,
        }
    }

    fn keeps_number(&self, number: &Number) -> bool {
        if let Some(whole) = number.as_i64() {
            return whole.unsigned_abs() <= MOST;
        }
        let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return false };
        float.abs() < PARSED_AS_FLOAT || !self.is_rounded(float)
    }

    /// Tells whether a floating point stands for a whole number that was written out, digit by digit. One that is written with an
    /// exponent, as floating points of that size are, is shown as the same number.
    fn is_rounded(&self, float: f64) -> bool {
        let rounded = self.rounded.get_or_init(|| {
            let mut rounded: Vec<_> = large_wholes(self.text).map(f64::to_bits).collect();
            rounded.sort_unstable();
            rounded
        });
        rounded.binary_search(&float.to_bits()).is_ok()
    }
}

/// The whole numbers of many digits in a JSON text, outside of its strings, as a parser reads them.
fn large_wholes(text: &str) -> impl Iterator<Item = f64> {
    outside_of_strings(text)
        .flat_map(|between| between.split([',', ':', '[', ']', '{', '}', ' ', '\t', '\n', '\r']))
        .filter(|token| {
            token.len() >= DIGITS && token.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        })
        .filter_map(|token| token.parse().ok())
}

/// What is between the strings of a JSON text.
fn outside_of_strings(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let (between, string) = rest?.split_once('"').unwrap_or((rest?, ""));
        let mut is_escaped = false;
        let end = string.bytes().position(|byte| {
            let ends = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            ends
        });
        rest = end.and_then(|end| string.get(end + 1..));
        Some(between)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps(value: &str, beside: &str) -> bool {
        let text = format!(r#"{{"value": {value}, "beside": {beside}}}"#);
        let value: Value = serde_json::from_str(value).unwrap();
        Values::of(&text, &RequestLimits::default()).keeps(&value)
    }

    #[test]
    fn a_number_is_kept_where_it_is_shown_as_the_same_number() {
        for kept in ["9007199254740992", "-9007199254740992", "0", "-0", "1.5", "1e300", "-1E+22", "1e0"] {
            assert!(keeps(kept, "null"), "{kept}");
            assert!(keeps(&format!("[[{kept} ],{{\"a\":{kept}}}]"), "18446744073709551617"), "{kept}");
        }
        for changed in [
            "9007199254740993",
            "-9007199254740993",
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551615",
            "18446744073709551616",
            "18446744073709551617",
            "-18446744073709551617",
            "123456789012345678901234567890",
        ] {
            for value in [
                changed.to_owned(),
                format!("[1,{changed}]"),
                format!("{{\"a\\\"\":{{\"b\": {changed}\n}}}}"),
            ] {
                assert!(!keeps(&value, "null"), "{value}");
            }
        }
    }

    #[test]
    fn what_is_in_a_string_is_no_number() {
        let float: f64 = "18446744073709551617".parse().unwrap();
        for beside in
            [r#""18446744073709551617""#, r#""\",18446744073709551617,\"""#, r#""\\\"18446744073709551617""#]
        {
            assert!(keeps(&format!("{float:e}"), beside), "{beside}");
        }
        assert!(!keeps(&format!("{float:e}"), r#"["\\",18446744073709551617,""]"#));
    }

    #[test]
    fn what_is_no_json_is_looked_at_too() {
        for (text, count) in [
            ("", 0),
            ("\"", 0),
            ("\"\\", 0),
            ("1234567890123456789\"", 1),
            ("-1234567890123456789\"1234567890123456789", 1),
            ("-------------------", 0),
            ("é\"é\\\"é", 0),
        ] {
            assert_eq!(large_wholes(text).count(), count, "{text:?}");
        }
    }
}
