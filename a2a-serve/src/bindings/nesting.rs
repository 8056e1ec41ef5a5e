//! Measures how deep arrays and objects are inside each other, in JSON without building it and in protobuf.

use std::fmt;

use prost_types::value::Kind;
use prost_types::{Struct, Value};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The nesting of a JSON value: 0 for a scalar, 1 for an array of scalars.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Nesting(pub(super) usize);

impl<'de> Deserialize<'de> for Nesting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Measure)
    }
}

struct Measure;

impl<'de> Visitor<'de> for Measure {
    type Value = Nesting;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Nesting, E> {
        Ok(Nesting(0))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Nesting, E> {
        Ok(Nesting(0))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Nesting, E> {
        Ok(Nesting(0))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Nesting, E> {
        Ok(Nesting(0))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Nesting, E> {
        Ok(Nesting(0))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Nesting, E> {
        Ok(Nesting(0))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Nesting, A::Error> {
        let mut deepest = Nesting(0);
        while let Some(item) = items.next_element::<Nesting>()? {
            deepest = deepest.max(item);
        }
        Ok(Nesting(deepest.0 + 1))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Nesting, A::Error> {
        let mut deepest = Nesting(0);
        while let Some((_, value)) = fields.next_entry::<Name, Nesting>()? {
            deepest = deepest.max(value);
        }
        Ok(Nesting(deepest.0 + 1))
    }
}

/// Tells whether a body may hold nesting that a parser does not count (see [`Name`]).
///
/// The name is looked for in the bytes. Only where letters are written as escapes, which nobody needs, is the
/// whole body read for it.
pub(super) fn is_hidden(body: &[u8]) -> bool {
    let writes_letters_as_escapes =
        body.windows(5).any(|bytes| bytes.starts_with(br"\u00") && bytes.last() >= Some(&b'2'));
    contains(body, RAW_VALUE.as_bytes())
        || writes_letters_as_escapes
            && serde_json::from_slice::<Nesting>(body).is_err_and(|error| error.is_data())
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

/// A field's name, unless it is the one by which `serde_json` hands JSON through as text: what it parses from such
/// text begins to count its nesting anew, and a body full of them would overflow the stack.
struct Name;

const RAW_VALUE: &str = "$serde_json::private::RawValue";

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Name)
    }
}

impl Visitor<'_> for Name {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Name, E> {
        if name == RAW_VALUE { Err(E::custom("a reserved field name")) } else { Ok(Name) }
    }
}

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
        ] {
            assert!(serde_json::from_str::<Nesting>(json).is_err(), "{json}");
            assert!(is_hidden(json.as_bytes()), "{json}");
        }
        for json in [r#"{"a":"costs $5","b":"\u0041\u00e4"}"#, r#"{"$serde":[1]}"#, "", "{"] {
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
            assert_eq!(serde_json::from_str::<Nesting>(json).unwrap(), Nesting(depth), "{json}");
            let proto = json_value_to_proto_value(&serde_json::from_str(json).unwrap());
            assert!(value_within(&proto, depth), "{json}");
            assert!(depth == 0 || !value_within(&proto, depth - 1), "{json}");
        }
    }
}
