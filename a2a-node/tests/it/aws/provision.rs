//! `provision` makes a cluster's table and topic, once.

use a2a_core::{Deployment, Key};
use a2a_testaws::Service;
use aws_sdk_sqs::types::QueueAttributeName;

use super::site::{Site, settings};
use crate::node::text;

#[tokio::test]
async fn provisioning_twice_makes_one_cluster_and_prints_the_same_settings() {
    let Some(site) = Site::bare() else { return };
    let (first, second) = (site.provision(&[]).await, site.provision(&["--deletion-protection"]).await);
    assert!(first.status.success() && second.status.success(), "{}", text(&second.stderr));
    assert_eq!(first.stdout, second.stdout);
    let settings = settings(&text(&first.stdout));
    let names: Vec<_> = settings.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["A2A_TABLE", "A2A_TOPIC_ARN"]);
    assert_eq!(settings[0].1, site.table);
    assert!(settings[1].1.starts_with("arn:aws:sns:") && settings[1].1.ends_with(&site.topic));
}

#[tokio::test]
async fn a_dry_run_makes_nothing_and_prints_no_settings() {
    let Some(site) = Site::bare() else { return };
    for _ in 0..2 {
        let output = site.provision(&["--dry-run"]).await;
        let said = text(&output.stderr);
        assert!(output.status.success() && output.stdout.is_empty(), "{said}");
        assert!(said.contains(&format!("table {}: would be made", site.table)), "{said}");
        assert!(said.contains(&format!("topic {}: would be made", site.topic)), "{said}");
    }
    site.provision(&[]).await;
    let said = text(&site.provision(&["--dry-run", "--point-in-time-recovery"]).await.stderr);
    assert!(said.contains("is there, as it should be"), "{said}");
    assert!(said.contains("point-in-time recovery would be switched on"), "{said}");
}

#[tokio::test]
async fn a_table_that_is_something_else_is_left_alone_and_told() {
    let Some(site) = Site::bare() else { return };
    let dynamodb = aws_sdk_dynamodb::Client::new(&site.account.sdk_config(a2a_testaws::Service::DynamoDb));
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    };
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().unwrap();
    let attribute = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::S)
        .build()
        .unwrap();
    let create = dynamodb.create_table().table_name(&site.table).billing_mode(BillingMode::PayPerRequest);
    create.key_schema(key).attribute_definitions(attribute).send().await.unwrap();

    let output = site.provision(&[]).await;
    let said = text(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(said.contains("its key is (id) instead of (pk, sk)"), "{said}");
}

#[tokio::test]
async fn a_key_is_made_with_the_table_and_renewed_by_a_command() {
    let Some(site) = Site::provisioned().await else { return };
    let store = site.store();
    let made = store.keys(Key::OF_BUS, [1; 32]).await.unwrap();
    assert!(made.current.number == 1 && made.current.secret != [1; 32]);
    for number in [2, 3] {
        let output = site.run(&["renew-key"]).await;
        assert!(output.status.success(), "{}", text(&output.stderr));
        let told = format!(
            "key {number} is the one to use now; {} stays valid until the next renewal\n",
            number - 1
        );
        assert_eq!(text(&output.stdout), told);
    }
    let now = store.keys(Key::OF_BUS, [1; 32]).await.unwrap();
    assert_eq!((now.current.number, now.numbered(1)), (3, None));
    assert_ne!(now.current.secret, now.previous.unwrap().secret);
}

#[tokio::test]
async fn queues_have_the_tags_and_the_key_that_they_are_to_have() {
    let Some(site) = Site::provisioned().await else { return };
    let node = site.serve(&["--queue-tags", "team=agents,stage=test", "--queue-key", "alias/a2a"]).await;
    site.becomes([1, 1, 1]).await;
    let sqs = aws_sdk_sqs::Client::new(&site.account.sdk_config(Service::Sqs));
    let [queue] = &site.queues().await[..] else { panic!("one queue") };
    let tags = sqs.list_queue_tags().queue_url(queue).send().await.unwrap().tags.unwrap();
    assert_eq!((tags["team"].as_str(), tags["stage"].as_str()), ("agents", "test"));
    assert_eq!(tags["a2a:deployment"], site.topic);
    let asked =
        sqs.get_queue_attributes().queue_url(queue).attribute_names(QueueAttributeName::KmsMasterKeyId);
    let attributes = asked.send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes[&QueueAttributeName::KmsMasterKeyId], "alias/a2a");
    node.terminate().await;
}
