//! The table: created once, verified often.

use a2a_core::{BackendError, Beat, Deployment, Format, Member, Membership, TaskStore};
use a2a_store_dynamodb::DynamoDbStore;
use a2a_store_dynamodb::table::{Protection, Replicas, create_table, set_up, verify_table};
use a2a_testkit::sample::{TaskModel, instance};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use futures::future::join_all;

use crate::place::{self, Place};

#[test]
fn a_created_table_is_as_expected_and_creating_it_again_is_harmless() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let client = place.client().await;
        verify_table(&client, &place.table, Replicas::Refused).await.unwrap();
        create_table(&client, &place.table, Protection::default(), Replicas::Refused).await.unwrap();
        verify_table(&client, &place.table, Replicas::Refused).await.unwrap();
    });
}

#[test]
fn many_may_create_the_table_at_once() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let client = place.client().await;
        let name = place.another("of-many").await;
        let creations =
            (0..8).map(|_| create_table(&client, &name, Protection::default(), Replicas::Refused));
        for created in join_all(creations).await {
            created.unwrap();
        }
        verify_table(&client, &name, Replicas::Refused).await.unwrap();
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

        for refused in [
            verify_table(&client, &name, Replicas::Refused).await,
            create_table(&client, &name, Protection::default(), Replicas::Refused).await,
        ] {
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
fn a_table_that_a_template_made_is_refused_until_somebody_sets_it_up() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let client = place.client().await;
        let name = place.another("by-template").await;
        place::by_hand(&client, &place.table, &name).await;
        verify_table(&client, &name, Replicas::Refused).await.unwrap();
        let store = DynamoDbStore::with_client(client.clone(), &name);
        let Err(BackendError::Rejected { reason, .. }) = store.format().await else { panic!("a format") };
        for told in [name.as_str(), "a2a-node provision --table", "set_up", "earlier edition"] {
            assert!(reason.contains(told), "{reason}");
        }
        for set_up in join_all((0..8).map(|_| set_up(&client, &name, Replicas::Refused))).await {
            set_up.unwrap();
        }
        assert_eq!(store.format().await.unwrap(), Format::CURRENT);
        // Whoever comes while it is used already finds nothing to do.
        assert_eq!(store.beat(&Member::joining(instance(), None)).await.unwrap(), Beat::Alive);
        set_up(&client, &name, Replicas::Refused).await.unwrap();
        create_table(&client, &name, Protection::default(), Replicas::Refused).await.unwrap();
    });
}

#[test]
fn a_table_of_an_earlier_edition_stays_refused() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let client = place.client().await;
        let format = AttributeValue::S("F".into());
        let store = place.store(|config| config).await;
        let me = Member::joining(instance(), None);
        for left in ["a member", "a task"] {
            let delete = client.delete_item().table_name(&place.table);
            delete.key("pk", format.clone()).key("sk", format.clone()).send().await.unwrap();
            match left {
                "a member" => assert_eq!(store.beat(&me).await.unwrap(), Beat::Alive),
                _ => drop(TaskModel::new("t").begin(&store).await),
            }
            let refused = [
                set_up(&client, &place.table, Replicas::Refused).await,
                create_table(&client, &place.table, Protection::default(), Replicas::Refused).await,
                store.format().await.map(drop),
            ];
            for refused in refused {
                let Err(BackendError::Rejected { reason, .. }) = refused else {
                    panic!("with {left}: {refused:?}")
                };
                assert!(reason.contains(&place.table) && reason.contains("new table"), "{reason}");
            }
            store.remove(&me.id).await.unwrap();
        }
    });
}

#[test]
fn a_table_in_a_later_format_is_refused_by_number() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let client = place.client().await;
        let later = Format::BUILD + 1;
        for (reader, writer) in [(later, 1), (1, later)] {
            let put = client.put_item().table_name(&place.table);
            let put = put.item("pk", AttributeValue::S("F".into())).item("sk", AttributeValue::S("F".into()));
            let put =
                put.item("r", AttributeValue::N(reader.to_string())).item("l", AttributeValue::N("2".into()));
            put.item("w", AttributeValue::N(writer.to_string())).send().await.unwrap();
            let format = place.store(|config| config).await.format().await.unwrap();
            assert_eq!((format.min_reader, format.min_writer), (reader, writer));
            for refused in [
                set_up(&client, &place.table, Replicas::Refused).await,
                create_table(&client, &place.table, Protection::default(), Replicas::Refused).await,
            ] {
                let Err(BackendError::Rejected { reason, .. }) = refused else { panic!("{refused:?}") };
                assert!(reason.contains(&later.to_string()) && reason.contains("newer build"), "{reason}");
            }
        }
    });
}

#[test]
fn a_table_in_an_earlier_layout_is_refused_with_words_that_say_what_to_do() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let client = place.client().await;
        let put = client.put_item().table_name(&place.table);
        let put = put.item("pk", AttributeValue::S("F".into())).item("sk", AttributeValue::S("F".into()));
        let put = put.item("r", AttributeValue::N("2".into())).item("w", AttributeValue::N("2".into()));
        put.send().await.unwrap();
        let refused = set_up(&client, &place.table, Replicas::Refused).await;
        let Err(BackendError::Rejected { reason, .. }) = refused else { panic!("{refused:?}") };
        assert!(reason.contains("layout 1") && reason.contains("new table"), "{reason}");
    });
}

#[test]
fn a_store_that_makes_its_own_client_works() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let store = DynamoDbStore::new(&place.setup(None).shared().await, &place.table);
        assert_eq!(store.format().await.unwrap(), Format::CURRENT);
        let model = TaskModel::new("t").begin(&store).await;
        assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
    });
}

#[test]
fn a_name_that_cannot_be_a_tables_is_refused_with_the_reason() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let refused = create_table(&place.client().await, "t", Protection::default(), Replicas::Refused)
            .await
            .unwrap_err();
        let told = format!("{refused:?}");
        assert!(matches!(refused, BackendError::Rejected { .. }), "{told}");
        assert!(told.contains("length") || told.contains("characters"), "{told}");
    });
}

#[test]
fn a_missing_table_is_named() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let refused =
            verify_table(&place.client().await, "a2a-test-nowhere", Replicas::Refused).await.unwrap_err();
        assert!(refused.to_string().contains("a2a-test-nowhere"), "{refused}");
    });
}
