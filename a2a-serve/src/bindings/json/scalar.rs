//! Scalars as ProtoJSON writes them, in all of its spellings.

use std::fmt;

use a2a::{Role, TaskState};
use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A 32-bit number: as a number, or in a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Int(pub(super) i32);

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntVisitor)
    }
}

struct IntVisitor;

impl Visitor<'_> for IntVisitor {
    type Value = Int;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of 32 bits")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Int, E> {
        i32::try_from(value).map(Int).map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Int, E> {
        i32::try_from(value).map(Int).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Int, E> {
        whole(value).map(Int).ok_or_else(|| E::invalid_value(Unexpected::Float(value), &self))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Int, E> {
        int_of(value).map(Int).ok_or_else(|| E::invalid_value(Unexpected::Str(value), &self))
    }
}

/// Reads a number from a text: as whole, or as one that is, such as `1.0` and `1e1`.
pub(in super::super) fn int_of(text: &str) -> Option<i32> {
    text.parse().ok().or_else(|| whole(text.parse().ok()?))
}

fn whole(value: f64) -> Option<i32> {
    let is_whole = value.fract() == 0.0 && value.abs() <= f64::from(i32::MAX);
    // Within the bounds of 32 bits, and whole.
    #[allow(clippy::cast_possible_truncation)]
    is_whole.then_some(value as i32)
}

/// Reads a task state by its name, or by its number.
pub(in super::super) fn state_of(text: &str) -> Option<TaskState> {
    TaskState::of_name(text).or_else(|| TaskState::of_number(text.parse().ok()?))
}

/// Bytes in base64, in either alphabet, with or without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(BytesVisitor)
    }
}

struct BytesVisitor;

impl Visitor<'_> for BytesVisitor {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes in base64")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Bytes, E> {
        let config = GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true);
        let is_url_safe = value.contains(['-', '_']);
        let engine = GeneralPurpose::new(if is_url_safe { &URL_SAFE } else { &STANDARD }, config);
        engine.decode(value).map(Bytes).map_err(|error| E::custom(format!("not bytes in base64: {error}")))
    }
}

/// An enum of the proto: by name, or by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named<T>(pub(super) T);

/// An enum of the proto.
pub(super) trait ProtoEnum: Sized {
    const WHAT: &'static str;

    fn of_name(name: &str) -> Option<Self>;

    fn of_number(number: i64) -> Option<Self>;
}

impl ProtoEnum for Role {
    const WHAT: &'static str = "ROLE_USER or ROLE_AGENT";

    fn of_name(name: &str) -> Option<Self> {
        [Role::Unspecified, Role::User, Role::Agent]
            .into_iter()
            .zip(ROLES)
            .find(|(_, own)| *own == name)
            .map(|(role, _)| role)
    }

    fn of_number(number: i64) -> Option<Self> {
        Self::of_name(ROLES.get(usize::try_from(number).ok()?)?)
    }
}

/// The names of roles, by number.
const ROLES: [&str; 3] = ["ROLE_UNSPECIFIED", "ROLE_USER", "ROLE_AGENT"];

impl ProtoEnum for TaskState {
    const WHAT: &'static str = "a task state, such as TASK_STATE_WORKING";

    fn of_name(name: &str) -> Option<Self> {
        serde_json::from_value(name.into()).ok().filter(|_| !name.is_empty())
    }

    fn of_number(number: i64) -> Option<Self> {
        STATES.get(usize::try_from(number).ok()?).cloned()
    }
}

/// The states, by number.
const STATES: [TaskState; 9] = [
    TaskState::Unspecified,
    TaskState::Submitted,
    TaskState::Working,
    TaskState::Completed,
    TaskState::Failed,
    TaskState::Canceled,
    TaskState::InputRequired,
    TaskState::Rejected,
    TaskState::AuthRequired,
];

impl<'de, T: ProtoEnum> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamedVisitor(std::marker::PhantomData))
    }
}

struct NamedVisitor<T>(std::marker::PhantomData<T>);

impl<T: ProtoEnum> Visitor<'_> for NamedVisitor<T> {
    type Value = Named<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::WHAT)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Named<T>, E> {
        T::of_name(value).map(Named).ok_or_else(|| E::invalid_value(Unexpected::Str(value), &self))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Named<T>, E> {
        T::of_number(value).map(Named).ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Named<T>, E> {
        let number = i64::try_from(value).ok().and_then(T::of_number);
        number.map(Named).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
    }
}
