//! Measures how deep arrays and objects are inside each other, in JSON without building it and in protobuf.

use prost_types::value::Kind;
use prost_types::{Struct, Value};

/// Tells whether a body may hold nesting that a parser does not count: the name by which `serde_json` hands JSON through
/// as text. What it parses from such text begins to count its nesting anew, and a body full of them would overflow the
/// stack.
///
/// The name is looked for in the bytes, and, where letters are written as escapes, which nobody needs, in each string. Nothing
/// is parsed for that: a parser gives up where a body is too deep, while the one that reads it skips what nobody knows,
/// and goes on.
pub(super) fn is_hidden(body: &[u8]) -> bool {
    let writes_letters_as_escapes =
        body.windows(5).any(|bytes| bytes.starts_with(br"\u00") && bytes.last() >= Some(&b'2'));
    contains(body, RAW_VALUE.as_bytes()) || writes_letters_as_escapes && strings(body).any(is_reserved)
}

/// The strings of a body, quotes included. Where it is no JSON any more, neither is what comes of it.
fn strings(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = body;
    std::iter::from_fn(move || {
        let start = rest.iter().position(|byte| *byte == b'"')?;
        let string = rest.get(start..)?;
        let mut is_escaped = true;
        let end = string.iter().position(|byte| {
            let ends = *byte == b'"' && !is_escaped;
            is_escaped = *byte == b'\\' && !is_escaped;
            ends
        })?;
        let (string, after) = string.split_at_checked(end + 1)?;
        rest = after;
        Some(string)
    })
}

/// Whether a string is the reserved name, however it is written.
fn is_reserved(string: &[u8]) -> bool {
    // With each of its letters as an escape it is six times as long.
    string.len() <= RAW_VALUE.len() * 6 + 2
        && string.contains(&b'\\')
        && serde_json::from_slice::<String>(string).is_ok_and(|name| name == RAW_VALUE)
}

fn contains(text: &[u8], pattern: &[u8]) -> bool {
    // A byte that is rare in JSON text keeps the search at the speed of a scan for it.
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
        rest = rest.get(at..).unwrap_or_default();
        if rest.starts_with(pattern) {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Whether a JSON value nests at most `most` deep.
pub(super) fn json_within(value: &serde_json::Value, most: usize) -> bool {
    match value {
        serde_json::Value::Array(items) => most > 0 && items.iter().all(|item| json_within(item, most - 1)),
        serde_json::Value::Object(fields) => {
            most > 0 && fields.values().all(|field| json_within(field, most - 1))
        }
        _ => true,
    }
}

/// Whether a decoded struct nests at most `most` deep, itself counted.
pub(super) fn struct_within(fields: &Struct, most: usize) -> bool {
    most > 0 && fields.fields.values().all(|value| value_within(value, most - 1))
}

/// Whether a decoded value nests at most `most` deep.
pub(super) fn value_within(value: &Value, most: usize) -> bool {
    match &value.kind {
        Some(Kind::StructValue(fields)) => struct_within(fields, most),
        Some(Kind::ListValue(list)) => {
            most > 0 && list.values.iter().all(|value| value_within(value, most - 1))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use a2a_pb::pbconv::json_value_to_proto_value;

    #[test]
    fn the_name_that_hides_nesting_from_the_parser_is_refused_however_it_is_written() {
        for json in [
            r#"{"$serde_json::private::RawValue":"[[[]]]"}"#,
            r#"[{"a":{"\u0024serde_json::private::RawValue":"1"}}]"#,
            r#"["\\",{"\u0024serde_json::private::Raw\u0056alue":"1"}}]"#,
            &format!(
                r#"[{}{},{{"\u0024serde_json::private::RawValue":"1"}}]"#,
                "[".repeat(300),
                "]".repeat(300)
            ),
        ] {
            assert!(is_hidden(json.as_bytes()), "{json}");
        }
        for json in [
            r#"{"a":"costs $5","b":"\u0041\u00e4"}"#,
            r#"{"$serde":[1]}"#,
            r#"{"\u0041":"\\""#,
            r#""\u0041"#,
            "",
            "{",
        ] {
            assert!(!is_hidden(json.as_bytes()), "{json}");
        }
    }

    #[test]
    fn json_and_protobuf_are_measured_alike() {
        for (json, depth) in [
            ("null", 0),
            ("[]", 1),
            ("{}", 1),
            (r#"{"a":1,"b":[1,2]}"#, 2),
            (r#"[[],{"a":{"b":"c"}},true]"#, 3),
        ] {
            let value = serde_json::from_str(json).unwrap();
            assert!(json_within(&value, depth), "{json}");
            assert!(depth == 0 || !json_within(&value, depth - 1), "{json}");
            let proto = json_value_to_proto_value(&value);
            assert!(value_within(&proto, depth), "{json}");
            assert!(depth == 0 || !value_within(&proto, depth - 1), "{json}");
        }
    }
}
