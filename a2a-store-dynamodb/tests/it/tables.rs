//! The table: created once, verified often.

use a2a_core::BackendError;
use a2a_store_dynamodb::table::{Protection, create_table, verify_table};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use futures::future::join_all;

use crate::place::Place;

#[test]
fn a_created_table_is_as_expected_and_creating_it_again_is_harmless() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let client = place.client().await;
        verify_table(&client, &place.table).await.unwrap();
        create_table(&client, &place.table, Protection::default()).await.unwrap();
        verify_table(&client, &place.table).await.unwrap();
    });
}

#[test]
fn many_may_create_the_table_at_once() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let client = place.client().await;
        let name = place.another("of-many").await;
        let creations = (0..8).map(|_| create_table(&client, &name, Protection::default()));
        for created in join_all(creations).await {
            created.unwrap();
        }
        verify_table(&client, &name).await.unwrap();
    });
}

#[test]
fn a_table_that_differs_is_refused_in_one_readable_error() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let client = place.client().await;
        let name = place.another("other").await;
        let attribute = AttributeDefinition::builder().attribute_name("pk");
        let attribute = attribute.attribute_type(ScalarAttributeType::S).build().unwrap();
        let key = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash).build().unwrap();
        let create = client.create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest);
        create.attribute_definitions(attribute).key_schema(key).send().await.unwrap();

        for refused in
            [verify_table(&client, &name).await, create_table(&client, &name, Protection::default()).await]
        {
            let Err(BackendError::Rejected { reason, .. }) = refused else { panic!("{refused:?}") };
            for difference in
                ["its key is (pk) instead of (pk, sk)", "by-caller", "by-context", "by-executor"]
            {
                assert!(reason.contains(difference), "{reason}");
            }
        }
    });
}

#[test]
fn a_name_that_cannot_be_a_tables_is_refused_with_the_reason() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let refused = create_table(&place.client().await, "t", Protection::default()).await.unwrap_err();
        let told = format!("{refused:?}");
        assert!(matches!(refused, BackendError::Rejected { .. }), "{told}");
        assert!(told.contains("length") || told.contains("characters"), "{told}");
    });
}

#[test]
fn a_missing_table_is_named() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let refused = verify_table(&place.client().await, "a2a-test-nowhere").await.unwrap_err();
        assert!(refused.to_string().contains("a2a-test-nowhere"), "{refused}");
    });
}
