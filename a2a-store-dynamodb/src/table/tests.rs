//! What is asked of DynamoDB for a table, where no server in reach can do it.

use aws_sdk_dynamodb::operation::describe_table::DescribeTableOutput;
use aws_sdk_dynamodb::operation::describe_time_to_live::DescribeTimeToLiveOutput;
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::update_continuous_backups::UpdateContinuousBackupsOutput;
use aws_sdk_dynamodb::operation::update_table::UpdateTableOutput;
use aws_sdk_dynamodb::operation::update_time_to_live::UpdateTimeToLiveOutput;
use aws_sdk_dynamodb::types::{MultiRegionConsistency, ReplicaDescription};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

use super::*;

/// A table that is as expected, its format included, except for what protects it; TTL as given.
fn existing(ttl: TimeToLiveStatus) -> [Rule; 3] {
    described(schema::tests::table(), ttl)
}

/// The same as some table is described.
fn described(mut table: TableDescription, ttl: TimeToLiveStatus) -> [Rule; 3] {
    table.table_status = Some(TableStatus::Active);
    let describe = mock!(Client::describe_table)
        .then_output(move || DescribeTableOutput::builder().table(table.clone()).build());
    let ttl = TimeToLiveDescription::builder().attribute_name(EXPIRES).time_to_live_status(ttl).build();
    let describe_ttl = mock!(Client::describe_time_to_live).then_output(move || {
        DescribeTimeToLiveOutput::builder().time_to_live_description(ttl.clone()).build()
    });
    let format = mock!(Client::get_item)
        .then_output(|| GetItemOutput::builder().set_item(Some(format::item(Format::CURRENT))).build());
    [describe, describe_ttl, format]
}

#[tokio::test]
async fn an_existing_table_gets_the_protection_that_it_lacks() {
    let [describe, describe_ttl, format] = existing(TimeToLiveStatus::Enabled);
    let protect = mock!(Client::update_table)
        .match_requests(|request| request.deletion_protection_enabled() == Some(true))
        .then_output(|| UpdateTableOutput::builder().build());
    let backup = mock!(Client::update_continuous_backups)
        .match_requests(|request| {
            let wanted = request.point_in_time_recovery_specification();
            wanted.is_some_and(|wanted| wanted.point_in_time_recovery_enabled)
        })
        .then_output(|| UpdateContinuousBackupsOutput::builder().build());
    let rules = [&describe, &describe_ttl, &format, &protect, &backup];
    let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules);
    create_table(&client, "t", Protection::full(), Replicas::Refused).await.unwrap();
    assert_eq!((protect.num_calls(), backup.num_calls()), (1, 1));

    create_table(&client, "t", Protection::default(), Replicas::Refused).await.unwrap();
    assert_eq!((protect.num_calls(), backup.num_calls()), (1, 1), "without being asked for");
}

#[tokio::test]
async fn an_existing_table_gets_the_ttl_that_it_lacks() {
    let [describe, describe_ttl, format] = existing(TimeToLiveStatus::Disabled);
    let enable = mock!(Client::update_time_to_live)
        .match_requests(|request| {
            request.time_to_live_specification().is_some_and(|ttl| ttl.attribute_name == "x")
        })
        .then_output(|| UpdateTimeToLiveOutput::builder().build());
    let rules = [&describe, &describe_ttl, &format, &enable];
    let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules);
    create_table(&client, "t", Protection::default(), Replicas::Refused).await.unwrap();
    assert_eq!(enable.num_calls(), 1);
    assert!(
        verify_table(&client, "t", Replicas::Refused)
            .await
            .unwrap_err()
            .to_string()
            .contains("TTL is not enabled on x")
    );
}

#[tokio::test]
async fn a_table_with_replicas_is_refused_unless_they_are_allowed() {
    let mut table = schema::tests::table();
    let replica = |region: &str| ReplicaDescription::builder().region_name(region).build();
    table.replicas = Some(vec![replica("eu-west-1"), replica("us-east-1")]);
    let rules = described(table, TimeToLiveStatus::Enabled);
    let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules.iter());
    for refused in [
        verify_table(&client, "t", Replicas::Refused).await,
        set_up(&client, "t", Replicas::Refused).await,
        create_table(&client, "t", Protection::default(), Replicas::Refused).await,
    ] {
        let Err(BackendError::Rejected { reason, .. }) = refused else { panic!("{refused:?}") };
        for told in ["eu-west-1, us-east-1", "one region", "--allow-replicas"] {
            assert!(reason.contains(told), "{reason}");
        }
    }
    verify_table(&client, "t", Replicas::Allowed).await.unwrap();
    set_up(&client, "t", Replicas::Allowed).await.unwrap();
    create_table(&client, "t", Protection::default(), Replicas::Allowed).await.unwrap();
}

#[tokio::test]
async fn a_table_with_strongly_consistent_replicas_is_refused_even_so() {
    let mut table = schema::tests::table();
    table.multi_region_consistency = Some(MultiRegionConsistency::Strong);
    let rules = described(table, TimeToLiveStatus::Enabled);
    let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules.iter());
    let refused = verify_table(&client, "t", Replicas::Allowed).await.unwrap_err();
    assert!(refused.to_string().contains("no transactions"), "{refused}");
}
