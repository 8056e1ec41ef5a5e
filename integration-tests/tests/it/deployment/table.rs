//! Both templates declare the table that `create_table` makes, no more and no less.

use std::collections::{BTreeMap, BTreeSet};

use a2a_store_dynamodb::table::{Protection, Replicas, create_table};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{KeySchemaElement, Projection, TableDescription};
use integration_tests::endpoint::{self, Service};
use serde_json::Value;

use super::files::{cloudformation, each, terraform, text, yaml};

/// What a table is, in the words of no tool.
#[derive(Debug, PartialEq)]
struct Declared {
    key: Vec<String>,
    attributes: BTreeMap<String, String>,
    /// Key, kind of projection, and what it holds beside keys.
    indexes: BTreeMap<String, (Vec<String>, String, BTreeSet<String>)>,
    expires_by: String,
    on_demand: bool,
}

/// What bounds the bill bounds the table and each of its indexes, in both declarations.
#[test]
fn a_limit_of_throughput_is_that_of_the_table_and_of_each_index() {
    let module = terraform("deploy/terraform");
    assert_eq!(module["variable"]["on_demand_limits"]["default"], Value::Null);
    let table = &module["resource"]["aws_dynamodb_table"]["tasks"];
    let mut limited: Vec<_> = each(&table["global_secondary_index"]);
    assert_eq!(limited.len(), 3);
    limited.push(table);
    for one in limited {
        let block = &one["dynamic"]["on_demand_throughput"];
        let block = if block.is_null() { &one["dynamic"][0]["on_demand_throughput"] } else { block };
        assert!(text(&block["for_each"]).starts_with("${var.on_demand_limits == null ? []"), "{one}");
        assert_eq!(block["content"]["max_read_request_units"], "${on_demand_throughput.value.reads}");
        assert_eq!(block["content"]["max_write_request_units"], "${on_demand_throughput.value.writes}");
    }
    let table = cloudformation()["Tasks"]["Properties"].take();
    let limit = serde_json::json!({ "Fn::If": [
        "HasLimits",
        { "MaxReadRequestUnits": { "Ref": "OnDemandReads" }, "MaxWriteRequestUnits": { "Ref": "OnDemandWrites" } },
        { "Ref": "AWS::NoValue" },
    ] });
    let indexes = each(&table["GlobalSecondaryIndexes"]);
    for one in indexes.into_iter().chain([&table]) {
        assert_eq!(one["OnDemandThroughput"], limit, "{one}");
    }
}

#[tokio::test]
async fn terraform_and_cloudformation_declare_the_table_that_the_store_makes() {
    let by_terraform = in_terraform();
    assert_eq!(by_terraform, in_cloudformation());

    let Some(aws) = endpoint::aws() else { return };
    let config = aws.account().sdk_config(Service::DynamoDb);
    let client = Client::new(&config);
    let name = format!("deployment-{}", std::process::id());
    create_table(&client, &name, Protection::default(), Replicas::Refused).await.unwrap();
    let made = described(&client, &name).await;
    client.delete_table().table_name(&name).send().await.unwrap();
    assert_eq!(by_terraform, made);
}

async fn described(client: &Client, name: &str) -> Declared {
    let table = client.describe_table().table_name(name).send().await.unwrap().table.unwrap();
    let ttl = client.describe_time_to_live().table_name(name).send().await.unwrap();
    let ttl = ttl.time_to_live_description.unwrap();
    let key = |elements: &[KeySchemaElement]| -> Vec<String> {
        elements.iter().map(|element| element.attribute_name.clone()).collect()
    };
    let attributes = table.attribute_definitions().iter();
    let indexes = table.global_secondary_indexes().iter().map(|index| {
        let projection = index.projection().unwrap();
        let kind = projection.projection_type().unwrap().as_str().to_owned();
        let holds = Projection::non_key_attributes(projection).iter().cloned().collect();
        (index.index_name.clone().unwrap(), (key(index.key_schema()), kind, holds))
    });
    Declared {
        key: key(TableDescription::key_schema(&table)),
        attributes: attributes
            .map(|found| (found.attribute_name.clone(), found.attribute_type.as_str().to_owned()))
            .collect(),
        indexes: indexes.collect(),
        expires_by: ttl.attribute_name.unwrap(),
        on_demand: table.billing_mode_summary().and_then(|summary| summary.billing_mode())
            == Some(&aws_sdk_dynamodb::types::BillingMode::PayPerRequest),
    }
}

fn in_terraform() -> Declared {
    let module = terraform("deploy/terraform");
    let table = &module["resource"]["aws_dynamodb_table"]["tasks"];
    let key = |of: &Value| -> Vec<String> {
        ["hash_key", "range_key"].iter().filter_map(|part| of[*part].as_str()).map(str::to_owned).collect()
    };
    assert_eq!(table["deletion_protection_enabled"], "${var.deletion_protection}");
    assert_eq!(table["point_in_time_recovery"]["enabled"], "${var.point_in_time_recovery}");
    for protection in ["deletion_protection", "point_in_time_recovery"] {
        assert_eq!(module["variable"][protection]["default"], true, "{protection}");
    }
    assert_eq!(table["ttl"]["enabled"], true);
    Declared {
        key: key(table),
        attributes: pairs(&table["attribute"], "name", "type"),
        indexes: each(&table["global_secondary_index"])
            .into_iter()
            .map(|index| {
                let kind = text(&index["projection_type"]).to_owned();
                let holds = texts(&index["non_key_attributes"]);
                (text(&index["name"]).to_owned(), (key(index), kind, holds))
            })
            .collect(),
        expires_by: text(&table["ttl"]["attribute_name"]).to_owned(),
        on_demand: table["billing_mode"] == "PAY_PER_REQUEST",
    }
}

fn in_cloudformation() -> Declared {
    let mut template = cloudformation();
    assert_eq!(template["Tasks"]["DeletionPolicy"], "Retain");
    let table = template["Tasks"]["Properties"].take();
    let key = |of: &Value| -> Vec<String> {
        let elements = each(&of["KeySchema"]);
        let kinds: Vec<_> = elements.iter().map(|element| text(&element["KeyType"])).collect();
        assert_eq!(kinds, ["HASH", "RANGE"][..kinds.len()]);
        elements.iter().map(|element| text(&element["AttributeName"]).to_owned()).collect()
    };
    let switch = |condition: &str| serde_json::json!({ "Fn::If": [condition, true, false] });
    assert_eq!(table["DeletionProtectionEnabled"], switch("IsProtected"));
    let backups = &table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"];
    assert_eq!(*backups, switch("IsBackedUp"));
    let template = yaml("deploy/cloudformation/cluster.yaml");
    for (condition, parameter) in
        [("IsProtected", "DeletionProtection"), ("IsBackedUp", "PointInTimeRecovery")]
    {
        let equals = serde_json::json!([{ "Ref": parameter }, "true"]);
        assert_eq!(template["Conditions"][condition]["Fn::Equals"], equals);
        assert_eq!(template["Parameters"][parameter]["Default"], "true");
    }
    assert_eq!(table["TimeToLiveSpecification"]["Enabled"], true);
    Declared {
        key: key(&table),
        attributes: pairs(&table["AttributeDefinitions"], "AttributeName", "AttributeType"),
        indexes: each(&table["GlobalSecondaryIndexes"])
            .into_iter()
            .map(|index| {
                let projection = &index["Projection"];
                let kind = text(&projection["ProjectionType"]).to_owned();
                let holds = texts(&projection["NonKeyAttributes"]);
                (text(&index["IndexName"]).to_owned(), (key(index), kind, holds))
            })
            .collect(),
        expires_by: text(&table["TimeToLiveSpecification"]["AttributeName"]).to_owned(),
        on_demand: table["BillingMode"] == "PAY_PER_REQUEST",
    }
}

fn pairs(list: &Value, name: &str, value: &str) -> BTreeMap<String, String> {
    let pair = |of: &Value| (text(&of[name]).to_owned(), text(&of[value]).to_owned());
    each(list).into_iter().map(pair).collect()
}

fn texts(list: &Value) -> BTreeSet<String> {
    each(list).into_iter().map(|value| text(value).to_owned()).collect()
}
