//! What the weather knows of a table: its key, its global indexes, and what an index holds of an item.

use serde_json::Value;

use super::item::{self, Item};

/// A table, as `DescribeTable` shows it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Schema {
    /// The table's ARN.
    pub(super) arn: String,
    pub(super) key: Key,
    pub(super) indexes: Vec<Index>,
}

/// A partition key, and a sort key where there is one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) hash: String,
    pub(super) range: Option<String>,
}

/// A global secondary index.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Index {
    pub(super) name: String,
    /// Its ARN.
    pub(super) arn: String,
    pub(super) key: Key,
    /// The attributes beside all keys; `None` are all.
    holds: Option<Vec<String>>,
}

impl Schema {
    /// Reads a `TableDescription`.
    pub(super) fn read(table: &Value) -> Option<Self> {
        let arn = table.get("TableArn").and_then(Value::as_str).unwrap_or_default();
        let indexes = table.get("GlobalSecondaryIndexes").and_then(Value::as_array);
        let indexes = indexes.into_iter().flatten().map(|index| Index::read(index, arn));
        Some(Schema { arn: arn.to_owned(), key: Key::read(table)?, indexes: indexes.collect::<Option<_>>()? })
    }

    /// The index of this name.
    pub(super) fn index(&self, name: &str) -> Option<&Index> {
        self.indexes.iter().find(|index| index.name == name)
    }

    /// What an index holds of an item; `None` where the item lacks a key of the index.
    pub(super) fn entry(&self, index: &Index, of: &Item) -> Option<Item> {
        index.key.of(of)?;
        let Some(holds) = &index.holds else { return Some(of.clone()) };
        let names = self.key.names().chain(index.key.names()).chain(holds.iter().map(String::as_str));
        Some(names.filter_map(|name| Some((name.to_owned(), of.get(name)?.clone()))).collect())
    }
}

impl Index {
    fn read(index: &Value, table: &str) -> Option<Self> {
        let name = index.get("IndexName")?.as_str()?.to_owned();
        let arn = match index.get("IndexArn").and_then(Value::as_str) {
            Some(arn) => arn.to_owned(),
            None => format!("{table}/index/{name}"),
        };
        let projection = index.get("Projection")?;
        let others = projection.get("NonKeyAttributes").and_then(Value::as_array);
        let others = others.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        let all = projection.get("ProjectionType").and_then(Value::as_str) == Some("ALL");
        Some(Index { name, arn, key: Key::read(index)?, holds: (!all).then_some(others) })
    }
}

impl Key {
    fn read(of: &Value) -> Option<Self> {
        let elements = of.get("KeySchema")?.as_array()?;
        let named = |kind: &str| {
            let element =
                elements.iter().find(|element| element.get("KeyType").is_some_and(|it| it == kind))?;
            Some(element.get("AttributeName")?.as_str()?.to_owned())
        };
        Some(Key { hash: named("HASH")?, range: named("RANGE") })
    }

    /// The attributes of the key.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.hash.as_str()).chain(self.range.as_deref())
    }

    /// The key of an item; `None` where it lacks a part.
    pub(super) fn of(&self, item: &Item) -> Option<Item> {
        self.names().map(|name| Some((name.to_owned(), item.get(name)?.clone()))).collect()
    }

    /// The partition of an item, as counts name it.
    pub(super) fn partition(&self, item: &Item) -> Option<String> {
        item.get(&self.hash).map(item::text)
    }

    /// The key of an item as text that no other key has.
    pub(super) fn identity(&self, item: &Item) -> Option<String> {
        self.of(item).map(|key| Value::Object(key).to_string())
    }
}
