//! Looks at a message's parts: whether each has content, and how deep its data is.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::nesting::Nesting;
use super::shape::{Fields, Shape};

/// What there is to know about a list of parts.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// The first part with none of text, raw, url and data.
    pub(super) first_empty: Option<usize>,
    /// The deepest data or metadata of all parts.
    pub(super) deepest: Nesting,
}

#[derive(Debug, Default)]
struct Part {
    text: bool,
    raw: bool,
    url: bool,
    data: Option<Nesting>,
    metadata: Nesting,
}

enum PartField {
    Text,
    Raw,
    Url,
    Data,
    Metadata,
}

impl Fields for Part {
    type Name = PartField;

    fn name(name: &str) -> Option<PartField> {
        Some(match name {
            "text" => PartField::Text,
            "raw" => PartField::Raw,
            "url" => PartField::Url,
            "data" => PartField::Data,
            "metadata" => PartField::Metadata,
            _ => return None,
        })
    }

    fn look<'de, A: MapAccess<'de>>(&mut self, field: PartField, part: &mut A) -> Result<(), A::Error> {
        match field {
            PartField::Text => self.text = is_there(part)?,
            PartField::Raw => self.raw = is_there(part)?,
            PartField::Url => self.url = is_there(part)?,
            PartField::Data => self.data = part.next_value()?,
            PartField::Metadata => self.metadata = part.next_value()?,
        }
        Ok(())
    }
}

/// Whether the next value is anything but `null`; strings are skipped without being unescaped.
fn is_there<'de, A: MapAccess<'de>>(object: &mut A) -> Result<bool, A::Error> {
    Ok(object.next_value::<Option<IgnoredAny>>()?.is_some())
}

impl Part {
    fn has_content(&self) -> bool {
        self.text || self.raw || self.url || self.data.is_some()
    }
}

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Parts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Parts, A::Error> {
        let mut parts = Parts::default();
        let mut index = 0;
        while let Some(item) = items.next_element::<Shape<Part>>()? {
            if let Shape::Object(part) = item {
                if !part.has_content() {
                    parts.first_empty.get_or_insert(index);
                }
                parts.deepest = parts.deepest.max(part.data.unwrap_or_default()).max(part.metadata);
            }
            index += 1;
        }
        Ok(parts)
    }

    // What is not a list has no parts to look at; the transport behind refuses it.
    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Parts, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Parts::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Parts, E> {
        Ok(Parts::default())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Parts, E> {
        Ok(Parts::default())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Parts, E> {
        Ok(Parts::default())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Parts, E> {
        Ok(Parts::default())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Parts, E> {
        Ok(Parts::default())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Parts, E> {
        Ok(Parts::default())
    }
}
