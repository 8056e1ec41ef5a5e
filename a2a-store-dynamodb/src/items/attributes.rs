//! Items as maps of typed attributes: how they are read without trusting what is there.

use std::collections::HashMap;
use std::str::FromStr;

use a2a_core::{BackendError, Result};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

/// One item of the table.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// An attribute that is set, or removed where there is no value.
pub(crate) type Change = (&'static str, Option<AttributeValue>);

/// The partition key.
pub(crate) const PK: &str = "pk";
/// The sort key.
pub(crate) const SK: &str = "sk";
/// The epoch second after which an item counts for nothing; the table's TTL attribute.
pub(crate) const EXPIRES: &str = "x";
/// Which life of a task an item belongs to: a task that is created anew has a higher one.
pub(crate) const INCARNATION: &str = "g";

/// The condition of every log entry: its place is free, or holds what an earlier life of the task left there.
pub(crate) const FREE: &str = "attribute_not_exists(pk) OR g < :g";

/// Makes a text attribute.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// Makes a number attribute.
pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Makes a binary attribute.
pub(crate) fn bytes(value: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

/// Reads attributes of an item; what is of the wrong kind is [`BackendError::Corrupt`].
pub(crate) trait Attributes {
    /// Reads a text that may be missing.
    fn find_text(&self, name: &'static str) -> Result<Option<&str>>;
    /// Reads a text that must be there.
    fn text(&self, name: &'static str) -> Result<&str>;
    /// Reads a number, or anything else that is written as text, that may be missing.
    fn find<T: FromStr>(&self, name: &'static str) -> Result<Option<T>>;
    /// Reads a number, or anything else that is written as text, that must be there.
    fn parse<T: FromStr>(&self, name: &'static str) -> Result<T>;
    /// Reads bytes that may be missing.
    fn find_bytes(&self, name: &'static str) -> Result<Option<&[u8]>>;
}

fn missing(name: &str) -> BackendError {
    BackendError::corrupt(format!("an item without the attribute {name}"))
}

fn malformed(name: &str) -> BackendError {
    BackendError::corrupt(format!("the attribute {name} of an item"))
}

impl Attributes for Item {
    fn find_text(&self, name: &'static str) -> Result<Option<&str>> {
        match self.get(name) {
            None => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text)),
            Some(_) => Err(malformed(name)),
        }
    }

    fn text(&self, name: &'static str) -> Result<&str> {
        self.find_text(name)?.ok_or_else(|| missing(name))
    }

    fn find<T: FromStr>(&self, name: &'static str) -> Result<Option<T>> {
        match self.get(name) {
            None => Ok(None),
            Some(AttributeValue::N(text) | AttributeValue::S(text)) => {
                text.parse().map(Some).map_err(|_| malformed(name))
            }
            Some(_) => Err(malformed(name)),
        }
    }

    fn parse<T: FromStr>(&self, name: &'static str) -> Result<T> {
        self.find(name)?.ok_or_else(|| missing(name))
    }

    fn find_bytes(&self, name: &'static str) -> Result<Option<&[u8]>> {
        match self.get(name) {
            None => Ok(None),
            Some(AttributeValue::B(blob)) => Ok(Some(blob.as_ref())),
            Some(_) => Err(malformed(name)),
        }
    }
}

/// Tells whether an item counts for nothing any more at this epoch second.
pub(crate) fn is_expired(expires: Option<i64>, now: i64) -> bool {
    expires.is_some_and(|at| at <= now)
}
