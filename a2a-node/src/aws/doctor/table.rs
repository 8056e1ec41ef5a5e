//! The table: its schema, and whether we may do with it what instances do.

use std::collections::HashMap;
use std::io;

use a2a_store_dynamodb::table::{BY_EXECUTOR, Replicas, verify_table};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};

use super::checkup::Checkup;
use crate::aws::clients::Aws;
use crate::aws::fault::explain;
use crate::report::with_causes;

/// No item has this key: those of tasks and members begin otherwise.
const NOBODY: &str = "doctor";
/// No item fulfils this, so that a write that may be done does nothing.
const NEVER: &str = "attribute_exists(pk) AND attribute_not_exists(pk)";

/// Checks schema and permissions.
pub(super) async fn check(
    checkup: &mut Checkup,
    aws: &Aws,
    name: &str,
    replicas: Replicas,
) -> io::Result<()> {
    let store = aws.store(name);
    match Box::pin(verify_table(store.client(), name, replicas)).await {
        Ok(()) => checkup.ok("table", format!("{name} has the expected keys, indexes and TTL"))?,
        Err(error) => {
            let region = aws.region().unwrap_or_default();
            let advice = format!(
                "`a2a-node provision --table {name} --topic NAME` makes what is missing in {region}; for one that \
                 differs choose another name; it needs dynamodb:DescribeTable and dynamodb:DescribeTimeToLive"
            );
            checkup.failed("table", with_causes(&error), advice)?;
            return checkup.skipped("table access", "the table must be right first");
        }
    }
    let refused = Box::pin(refused(store.client(), name)).await;
    if refused.is_empty() {
        return checkup.ok("table access", "reading, writing and deleting items is allowed");
    }
    let advice =
        "allow these actions on the table and on its index/*, in the policy of the role that instances have";
    checkup.failed("table access", refused.join("; "), advice)
}

/// The actions that fail, each with the reason.
async fn refused(client: &Client, table: &str) -> Vec<String> {
    let (pk, sk) = ("pk", "sk");
    let nobody = || AttributeValue::S(NOBODY.to_owned());
    let key = || HashMap::from([(pk.to_owned(), nobody()), (sk.to_owned(), nobody())]);
    let mut refused = Vec::new();

    let get = client.get_item().table_name(table).set_key(Some(key())).send();
    note(&mut refused, "dynamodb:GetItem", Box::pin(get).await);
    let query = client.query().table_name(table).key_condition_expression("pk = :pk");
    let query = query.expression_attribute_values(":pk", nobody()).limit(1).send();
    note(&mut refused, "dynamodb:Query", Box::pin(query).await);
    let query = client.query().table_name(table).index_name(BY_EXECUTOR).key_condition_expression("ex = :ex");
    let query = query.expression_attribute_values(":ex", nobody()).limit(1).send();
    note(&mut refused, "dynamodb:Query on an index", Box::pin(query).await);
    if let Ok(keys) = KeysAndAttributes::builder().keys(key()).build() {
        let batch = client.batch_get_item().request_items(table, keys).send();
        note(&mut refused, "dynamodb:BatchGetItem", Box::pin(batch).await);
    }
    let put = client.put_item().table_name(table).set_item(Some(key())).condition_expression(NEVER).send();
    note(&mut refused, "dynamodb:PutItem", Box::pin(put).await);
    let update = client.update_item().table_name(table).set_key(Some(key())).condition_expression(NEVER);
    let update = update.update_expression("REMOVE x").send();
    note(&mut refused, "dynamodb:UpdateItem", Box::pin(update).await);
    let delete =
        client.delete_item().table_name(table).set_key(Some(key())).condition_expression(NEVER).send();
    note(&mut refused, "dynamodb:DeleteItem", Box::pin(delete).await);
    refused
}

fn note<T, E, R>(refused: &mut Vec<String>, action: &str, answer: Result<T, SdkError<E, R>>)
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    if let Err(error) = answer {
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
        if code != Some("ConditionalCheckFailedException") {
            refused.push(format!("{action}: {}", explain(&error)));
        }
    }
}
