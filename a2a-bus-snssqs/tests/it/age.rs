//! How old an unknown queue is, is told by the service alone: no clock of ours has a say.

use std::time::Duration;

use a2a_bus_snssqs::{Clients, Deployment, Janitor, Rules};
use aws_sdk_sns::operation::list_subscriptions_by_topic::ListSubscriptionsByTopicOutput;
use aws_sdk_sqs::operation::delete_queue::DeleteQueueOutput;
use aws_sdk_sqs::operation::list_queue_tags::ListQueueTagsOutput;
use aws_sdk_sqs::operation::list_queues::ListQueuesOutput;
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;

use crate::common::fake::TOPIC;
use crate::common::members::Members;
use crate::common::new_instance;

/// Noon of the first day of 1980, and its seconds since 1970.
const NOON: (&str, i64) = ("Tue, 01 Jan 1980 12:00:00 GMT", 315_576_000);

/// Has a janitor judge an unknown queue, made at `created`, by a service that answers at `date`.
async fn is_removed(date: Option<&'static str>, created: Option<String>) -> bool {
    let deployment = Deployment::new(TOPIC, "a2a").unwrap();
    let queue = deployment.queue_name(new_instance());
    let url = format!("https://sqs.us-east-1.amazonaws.com/123456789012/{queue}");
    let list = mock!(aws_sdk_sqs::Client::list_queues)
        .then_compute_output(move |_| ListQueuesOutput::builder().queue_urls(&url).build());
    let tags = mock!(aws_sdk_sqs::Client::list_queue_tags)
        .then_output(|| ListQueueTagsOutput::builder().tags("a2a:deployment", "a2a").build());
    let attributes = mock!(aws_sdk_sqs::Client::get_queue_attributes).then_http_response(move || {
        let attributes = serde_json::json!({ "Attributes": { "CreatedTimestamp": created } });
        let mut response = HttpResponse::new(200.try_into().unwrap(), SdkBody::from(attributes.to_string()));
        date.into_iter().for_each(|date| drop(response.headers_mut().insert("date", date)));
        response
    });
    let delete =
        mock!(aws_sdk_sqs::Client::delete_queue).then_output(|| DeleteQueueOutput::builder().build());
    let none = mock!(aws_sdk_sns::Client::list_subscriptions_by_topic)
        .then_output(|| ListSubscriptionsByTopicOutput::builder().build());
    let clients = Clients {
        sns: mock_client!(aws_sdk_sns, RuleMode::MatchAny, [&none]),
        sqs: mock_client!(aws_sdk_sqs, RuleMode::MatchAny, [&list, &tags, &attributes, &delete]),
    };
    let rules = Rules::default().orphan_age(Duration::from_secs(3600));
    let members = Members::with_somebody().await;
    let pass = Janitor::new(clients, deployment, members.0, rules).pass().await.unwrap();
    assert_eq!(pass.removed.len(), delete.num_calls());
    assert_eq!(attributes.num_calls(), 1);
    delete.num_calls() == 1
}

#[tokio::test]
async fn an_unknown_queue_is_old_when_the_service_says_so() {
    let (noon, seconds) = NOON;
    let at = |seconds: i64| Some(seconds.to_string());
    // Our own clock is decades ahead of this service's, and says nothing.
    assert!(is_removed(Some(noon), at(seconds - 3600)).await);
    assert!(is_removed(Some(noon), at(0)).await);
    assert!(!is_removed(Some(noon), at(seconds - 3599)).await);
    assert!(!is_removed(Some(noon), at(seconds)).await);
}

#[tokio::test]
async fn any_doubt_about_an_age_speaks_for_the_queue() {
    let (noon, seconds) = NOON;
    for (date, created) in [
        (Some(noon), Some((seconds + 1_000_000).to_string())),
        (Some(noon), Some("yesterday".to_owned())),
        (Some(noon), None),
        (Some("noon"), Some("0".to_owned())),
        (None, Some("0".to_owned())),
    ] {
        let told = format!("{date:?} {created:?}");
        assert!(!is_removed(date, created).await, "{told}");
    }
}
