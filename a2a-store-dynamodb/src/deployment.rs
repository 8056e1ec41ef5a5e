//! What all instances share beside tasks and members: the format of the table, and keys, an item for each name.

use std::collections::HashMap;

use a2a_core::{BackendError, Deployment, Format, Key, Keys, Result};
use async_trait::async_trait;

use crate::DynamoDbStore;
use crate::items::attributes::{Attributes, Item, PK, SK, bytes, number, text};
use crate::items::keys;
use crate::requests::calls::Written;
use crate::table::format;

/// The number of the current key.
const NUMBER: &str = "n";
/// The secret of the current key.
const CURRENT: &str = "k";
/// The secret of the key before.
const PREVIOUS: &str = "o";

#[async_trait]
impl Deployment for DynamoDbStore {
    async fn format(&self) -> Result<Format> {
        let item = self.calls.get(keys::FORMAT, keys::FORMAT).await?;
        item.as_ref().map_or_else(|| Err(format::missing(self.calls.table())), format::read)
    }

    async fn keys(&self, name: &str, secret: [u8; 32]) -> Result<Keys> {
        if let Some(item) = self.calls.get(&keys::keys_of(name)?, keys::KEYS).await? {
            return read(&item);
        }
        // Of all who come first, one puts its secret; the others are returned what is there then.
        self.put_keys(name, Keys::first(secret), None).await
    }

    async fn renew_key(&self, name: &str, from: u32, secret: [u8; 32]) -> Result<Keys> {
        let item = self.calls.get(&keys::keys_of(name)?, keys::KEYS).await?;
        let Some(known) = item.as_ref().map(read).transpose()? else {
            return Err(BackendError::rejected("a key that was never made cannot be renewed"));
        };
        if known.current.number != from {
            return Ok(known);
        }
        self.put_keys(name, known.renewed(secret), Some(from)).await
    }
}

impl DynamoDbStore {
    /// Writes the keys of a name in the place of those whose current number is `from`, or where there are none.
    /// Returns those that are there afterwards.
    async fn put_keys(&self, name: &str, new: Keys, from: Option<u32>) -> Result<Keys> {
        let put = self.calls.put(item(name, &new)?);
        let put = match from {
            Some(from) => put.condition_expression("n = :n").expression_attribute_values(":n", number(from)),
            None => put.condition_expression("attribute_not_exists(pk)"),
        };
        match self.calls.send_put(put).await? {
            Written::Done => Ok(new),
            Written::Unmet(Some(winner)) => read(&winner),
            Written::Unmet(None) => {
                Err(BackendError::Unavailable("the keys were removed while they changed".into()))
            }
        }
    }
}

fn item(name: &str, keys: &Keys) -> Result<Item> {
    let mut item = HashMap::from([
        (PK.to_owned(), text(keys::keys_of(name)?)),
        (SK.to_owned(), text(keys::KEYS)),
        (NUMBER.to_owned(), number(keys.current.number)),
        (CURRENT.to_owned(), bytes(keys.current.secret)),
    ]);
    if let Some(previous) = &keys.previous {
        item.insert(PREVIOUS.to_owned(), bytes(previous.secret));
    }
    Ok(item)
}

fn read(item: &Item) -> Result<Keys> {
    let number = item.parse::<u32>(NUMBER)?;
    let secret = |name| -> Result<Option<[u8; 32]>> {
        let bytes = item.find_bytes(name)?.map(<[u8; 32]>::try_from).transpose();
        bytes.map_err(|_| BackendError::corrupt("the length of a key"))
    };
    let current = secret(CURRENT)?.ok_or_else(|| BackendError::corrupt("keys without a current one"))?;
    let previous = secret(PREVIOUS)?.map(|secret| Key { number: number.saturating_sub(1), secret });
    Ok(Keys { current: Key { number, secret: current }, previous })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back() {
        let first = Keys::first([1; 32]);
        for keys in [first, first.renewed([2; 32]), first.renewed([2; 32]).renewed([3; 32])] {
            assert_eq!(read(&item("bus", &keys).unwrap()).unwrap(), keys);
        }
    }

    #[test]
    fn broken_keys_are_corrupt_and_shown_nowhere() {
        for (name, value) in [(CURRENT, bytes([83; 31])), (PREVIOUS, bytes([83; 33])), (NUMBER, text("?"))] {
            let mut item = item("bus", &Keys::first([83; 32]).renewed([83; 32])).unwrap();
            item.insert(name.to_owned(), value);
            let error = read(&item).unwrap_err();
            assert!(matches!(error, BackendError::Corrupt { .. }));
            assert!(!format!("{error:?}").contains("83"), "{error:?}");
        }
    }
}
