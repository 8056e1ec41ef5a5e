//! Measures how deep arrays and objects are inside each other, in JSON without building it and in protobuf.

use std::fmt;

use prost_types::value::Kind;
use prost_types::{Struct, Value};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

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
        while let Some((_, value)) = fields.next_entry::<IgnoredAny, Nesting>()? {
            deepest = deepest.max(value);
        }
        Ok(Nesting(deepest.0 + 1))
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
