//! What the weather does not touch passes as it is.

use a2a_testworld::weather::{Limits, Weather};
use aws_sdk_dynamodb::types::BillingMode;

use crate::place::{BY_OWNER, Place, TABLE, item, key, s};

#[tokio::test(start_paused = true)]
async fn tables_are_made_and_forgotten_through_it() {
    let place = Place::new().await;
    place.put(item("p", "1", &[])).await.unwrap();
    let described = place.client.describe_table().table_name(TABLE).send().await.unwrap().table.unwrap();
    assert_eq!(place.client.list_tables().send().await.unwrap().table_names(), [TABLE]);
    place.client.delete_table().table_name(TABLE).send().await.unwrap();
    // The new table has another key; the weather must not go by the old one.
    let create = place.client.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
    let create = create.key_schema(described.key_schema()[1].clone().into_hash());
    let attribute = described.attribute_definitions().iter().find(|one| one.attribute_name == "sk").unwrap();
    create.attribute_definitions(attribute.clone()).send().await.unwrap();
    place.proxy.clear_counts();
    place.put([("sk".to_owned(), s("1"))].into()).await.unwrap();
    assert_eq!(place.counts().table(TABLE).partition("1").written, 1.0);
}

trait IntoHash {
    fn into_hash(self) -> Self;
}

impl IntoHash for aws_sdk_dynamodb::types::KeySchemaElement {
    fn into_hash(mut self) -> Self {
        self.key_type = aws_sdk_dynamodb::types::KeyType::Hash;
        self
    }
}

#[tokio::test(start_paused = true)]
async fn answers_are_those_of_the_endpoint() {
    let place = Place::new().await;
    place.proxy.set(Weather::clear().limits(Limits::default()));
    let written = item("p", "1", &[("owner", "ann"), ("at", "1"), ("text", "ü \u{1F600} \"quoted\" \\ \n")]);
    place.put(written.clone()).await.unwrap();
    let get =
        |client: &aws_sdk_dynamodb::Client| client.get_item().table_name(TABLE).set_key(Some(key("p", "1")));
    let seen = get(&place.client).send().await.unwrap();
    assert_eq!(seen.item.as_ref(), Some(&written));
    assert_eq!(seen.item, get(&place.direct).send().await.unwrap().item);
    let query = |client: &aws_sdk_dynamodb::Client| {
        let query = client.query().table_name(TABLE).index_name(BY_OWNER).key_condition_expression("#o = :o");
        query.expression_attribute_names("#o", "owner").expression_attribute_values(":o", s("ann"))
    };
    let (seen, direct) =
        (query(&place.client).send().await.unwrap(), query(&place.direct).send().await.unwrap());
    assert_eq!((seen.items, seen.count), (direct.items, direct.count));
}

#[tokio::test(start_paused = true)]
async fn errors_of_the_endpoint_pass() {
    let place = Place::new().await;
    let missing = place.client.put_item().table_name("no-such-table").set_item(Some(item("p", "1", &[])));
    assert!(missing.send().await.unwrap_err().into_service_error().is_resource_not_found_exception());
    let broken = place.client.put_item().table_name(TABLE).set_item(Some([("pk".to_owned(), s("p"))].into()));
    broken.send().await.unwrap_err();
    assert_eq!(place.counts().operation("PutItem").failed, 2);
    assert_eq!(place.counts().tables.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn bodies_of_sixteen_megabytes_pass_and_larger_ones_do_not() {
    let place = Place::new().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let send =
        |bytes: usize| client.post(format!("{}/other", place.proxy.url())).body(vec![b'x'; bytes]).send();
    let direct =
        client.post(format!("{}/other", place.endpoint)).body(vec![b'x'; 1_000]).send().await.unwrap();
    assert_eq!(send(1_000).await.unwrap().status(), direct.status());
    let largest = send(16 * 1_024 * 1_024).await;
    assert!(largest.is_ok_and(|answer| answer.status() != 413 || direct.status() == 413));
    assert_eq!(send(16 * 1_024 * 1_024 + 1).await.unwrap().status(), 413);
}
