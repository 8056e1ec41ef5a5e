//! A table as whoever sees it who knows nothing of its layout: its items, and what DynamoDB does with them by itself.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeySchemaElement};

pub(crate) type Item = HashMap<String, AttributeValue>;

/// All items, in an order that depends on nothing but them.
pub(crate) async fn scan(client: &Client, table: &str) -> Vec<Item> {
    let (mut items, mut from) = (Vec::new(), None);
    loop {
        let page = client.scan().table_name(table).set_exclusive_start_key(from).send().await.unwrap();
        items.extend(page.items.unwrap_or_default());
        from = page.last_evaluated_key;
        if from.is_none() {
            items.sort_by_key(|item| {
                let mut attributes: Vec<_> =
                    item.iter().map(|(name, value)| format!("{name}{value:?}")).collect();
                attributes.sort();
                attributes
            });
            return items;
        }
    }
}

/// The names of the attributes that make up an item's key.
async fn key_of(client: &Client, table: &str) -> Vec<String> {
    let described = client.describe_table().table_name(table).send().await.unwrap().table.unwrap();
    described.key_schema().iter().map(KeySchemaElement::attribute_name).map(str::to_owned).collect()
}

/// Removes what has expired at a time, as DynamoDB does sooner or later where TTL is on. Returns how much that was.
pub(crate) async fn sweep(client: &Client, table: &str, now: i64) -> usize {
    let ttl = client.describe_time_to_live().table_name(table).send().await.unwrap();
    let ttl = ttl.time_to_live_description.unwrap().attribute_name.unwrap();
    let key = key_of(client, table).await;
    let mut removed = 0;
    for item in scan(client, table).await {
        let expires = item.get(&ttl).and_then(|at| at.as_n().ok()).and_then(|at| at.parse::<i64>().ok());
        if expires.is_some_and(|at| at <= now) {
            let key = key.iter().filter_map(|name| Some((name.clone(), item.get(name)?.clone()))).collect();
            client.delete_item().table_name(table).set_key(Some(key)).send().await.unwrap();
            removed += 1;
        }
    }
    removed
}

/// Those items in which some text, or the bytes of it, stands anywhere.
pub(crate) fn mentioning<'a>(items: &'a [Item], text: &str) -> Vec<&'a Item> {
    items.iter().filter(|item| item.values().any(|value| holds(value, text))).collect()
}

fn holds(value: &AttributeValue, text: &str) -> bool {
    match value {
        AttributeValue::S(value) => value.contains(text),
        AttributeValue::B(value) => {
            value.as_ref().windows(text.len()).any(|window| window == text.as_bytes())
        }
        _ => false,
    }
}
