//! Looks at chosen fields of a JSON object in one pass, building nothing and skipping the rest.
//!
//! Unlike derived deserialization it takes no offence: a value of another type is [`Shape::Other`], an array is never
//! mistaken for an object, and of a field that is there twice the last one counts, as in `serde_json::Value`. What
//! is not well-formed JSON still fails.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// The fields of an object that somebody wants to look at.
pub(super) trait Fields: Default {
    /// A field by name.
    type Name;

    /// The field called `name`, if it is one to look at.
    fn name(name: &str) -> Option<Self::Name>;

    /// Reads the value of `field`, which is the next one of `object`.
    fn look<'de, A: MapAccess<'de>>(&mut self, field: Self::Name, object: &mut A) -> Result<(), A::Error>;
}

/// What a JSON value looks like to somebody who expects an object.
#[derive(Debug, Default)]
pub(super) enum Shape<T> {
    /// Not there, or `null`, which means the same in ProtoJSON.
    #[default]
    Absent,
    /// An object and what was found in it.
    Object(T),
    /// Anything else.
    Other,
}

impl<'de, T: Fields> Deserialize<'de> for Shape<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Look(PhantomData))
    }
}

struct Look<T>(PhantomData<T>);

impl<'de, T: Fields> Visitor<'de> for Look<T> {
    type Value = Shape<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Shape<T>, E> {
        Ok(Shape::Absent)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Shape<T>, E> {
        Ok(Shape::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Shape<T>, E> {
        Ok(Shape::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Shape<T>, E> {
        Ok(Shape::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Shape<T>, E> {
        Ok(Shape::Other)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Shape<T>, E> {
        Ok(Shape::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Shape<T>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Shape::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Shape<T>, A::Error> {
        let mut found = T::default();
        while let Some(name) = object.next_key_seed(NameOf::<T>(PhantomData))? {
            match name {
                Some(field) => found.look(field, &mut object)?,
                None => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Shape::Object(found))
    }
}

/// Recognises a key without copying it.
struct NameOf<T>(PhantomData<T>);

impl<'de, T: Fields> DeserializeSeed<'de> for NameOf<T> {
    type Value = Option<T::Name>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<T: Fields> Visitor<'_> for NameOf<T> {
    type Value = Option<T::Name>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(T::name(name))
    }
}
