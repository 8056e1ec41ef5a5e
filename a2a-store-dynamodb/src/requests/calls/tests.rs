//! What the requests ask for.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemOutput;
use aws_sdk_dynamodb::operation::put_item::PutItemOutput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use aws_smithy_mocks::{RuleMode, mock, mock_client};

use super::*;

#[tokio::test]
async fn the_item_that_is_there_is_asked_for_only_where_a_condition_may_fail() {
    let put = mock!(Client::put_item)
        .match_requests(|put| {
            put.return_values_on_condition_check_failure() == put.condition_expression().map(|_| &AllOld)
        })
        .then_output(|| PutItemOutput::builder().build());
    let update = mock!(Client::update_item)
        .match_requests(|update| {
            update.return_values_on_condition_check_failure()
                == update.condition_expression().map(|_| &AllOld)
        })
        .then_output(|| UpdateItemOutput::builder().build());
    let delete = mock!(Client::delete_item)
        .match_requests(|delete| {
            delete.return_values_on_condition_check_failure()
                == delete.condition_expression().map(|_| &AllOld)
        })
        .then_output(|| DeleteItemOutput::builder().build());
    let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&put, &update, &delete]);
    let calls = Calls::new(client, "t", &DynamoDbConfig::default());
    let condition = "attribute_exists(pk)";
    calls.send_put(calls.put(Item::new())).await.unwrap();
    calls.send_put(calls.put(Item::new()).condition_expression(condition)).await.unwrap();
    calls.send_update(calls.update("p", "s")).await.unwrap();
    calls.send_update(calls.update("p", "s").condition_expression(condition)).await.unwrap();
    calls.send_delete(calls.delete("p", "s")).await.unwrap();
    calls.send_delete(calls.delete("p", "s").condition_expression(condition)).await.unwrap();
    assert_eq!([put, update, delete].map(|rule| rule.num_calls()), [2, 2, 2]);
}
