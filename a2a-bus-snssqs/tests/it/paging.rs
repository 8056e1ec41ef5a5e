//! Lists of many pages, which no emulator at hand has.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use a2a_bus_snssqs::{Clients, Deployment, Janitor, Rules};
use a2a_core::MemberState;
use aws_sdk_sns::operation::list_subscriptions_by_topic::ListSubscriptionsByTopicOutput;
use aws_sdk_sns::operation::unsubscribe::UnsubscribeOutput;
use aws_sdk_sns::types::Subscription;
use aws_sdk_sqs::operation::delete_queue::DeleteQueueOutput;
use aws_sdk_sqs::operation::list_queue_tags::ListQueueTagsOutput;
use aws_sdk_sqs::operation::list_queues::ListQueuesOutput;
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;

use crate::common::members::Members;
use crate::common::{ancient_instance, new_instance};

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:a2a";

#[tokio::test]
async fn three_hundred_subscriptions_on_three_pages_are_all_seen() {
    let deployment = Deployment::new(TOPIC, "a2a").unwrap();
    let endpoints: Vec<_> = (0..300).map(|_| deployment.queue_arn(ancient_instance())).collect();
    let removed: Arc<Mutex<HashSet<String>>> = Arc::default();
    let (listed, gone) = (endpoints.clone(), Arc::clone(&removed));
    let list = mock!(aws_sdk_sns::Client::list_subscriptions_by_topic).then_compute_output(move |request| {
        let page: usize = request.next_token().map_or(0, |token| token.parse().unwrap());
        let subscription = |(n, endpoint): (usize, &String)| {
            let arn = format!("{TOPIC}:{}", page * 100 + n);
            Subscription::builder().subscription_arn(arn).protocol("sqs").endpoint(endpoint).build()
        };
        let page_of = listed[page * 100..][..100].iter().enumerate().map(subscription);
        let gone = gone.lock().unwrap();
        let is_there = |one: &Subscription| !gone.contains(one.subscription_arn().unwrap());
        let subscriptions = page_of.filter(is_there).collect();
        let next = (page < 2).then(|| (page + 1).to_string());
        ListSubscriptionsByTopicOutput::builder()
            .set_subscriptions(Some(subscriptions))
            .set_next_token(next)
            .build()
    });
    let unsubscribe = {
        let removed = Arc::clone(&removed);
        mock!(aws_sdk_sns::Client::unsubscribe).then_compute_output(move |request| {
            removed.lock().unwrap().insert(request.subscription_arn().unwrap().to_owned());
            UnsubscribeOutput::builder().build()
        })
    };
    let no_queues =
        mock!(aws_sdk_sqs::Client::list_queues).then_output(|| ListQueuesOutput::builder().build());
    let none = mock!(aws_sdk_sqs::Client::get_queue_url).then_http_response(|| {
        let mut response = HttpResponse::new(400.try_into().unwrap(), SdkBody::from("{}"));
        for (name, value) in [
            ("date", "Tue, 01 Jan 1980 12:00:00 GMT"),
            ("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender"),
        ] {
            let _ = response.headers_mut().insert(name, value);
        }
        response
    });
    let clients = Clients {
        sns: mock_client!(aws_sdk_sns, RuleMode::MatchAny, [&list, &unsubscribe]),
        sqs: mock_client!(aws_sdk_sqs, RuleMode::MatchAny, [&no_queues, &none]),
    };
    let members = Members::with_somebody().await;
    // Two of them are live members between their queue's deletion and its renewal.
    for endpoint in [&endpoints[7], &endpoints[299]] {
        let id = endpoint.rsplit_once(":a2a-").unwrap().1.parse().unwrap();
        members.join(id, MemberState::Serving).await;
    }
    let janitor = Janitor::new(clients, deployment, members.0, Rules::default().at_most(40));
    let mut passes = 0;
    loop {
        let before = removed.lock().unwrap().len();
        let pass = janitor.pass().await.unwrap();
        assert!(pass.removed.len() <= 40);
        assert_eq!(list.num_calls() % 3, 0, "each pass reads every page");
        passes += 1;
        if removed.lock().unwrap().len() == 298 {
            break;
        }
        assert!(removed.lock().unwrap().len() > before, "no progress: {pass:?}");
    }
    assert!(passes >= 298 / 40);
    assert!(!removed.lock().unwrap().contains(&format!("{TOPIC}:7")));
    assert!(!removed.lock().unwrap().contains(&format!("{TOPIC}:299")));
}

#[tokio::test]
async fn queues_on_several_pages_are_all_seen() {
    let deployment = Deployment::new(TOPIC, "a2a").unwrap();
    let evicted: Vec<_> = (0..5).map(|_| new_instance()).collect();
    let members = Members::with_somebody().await;
    for instance in &evicted {
        members.join(*instance, MemberState::Evicted).await;
    }
    let names: Vec<_> = evicted.iter().map(|instance| deployment.queue_name(*instance)).collect();
    let list = mock!(aws_sdk_sqs::Client::list_queues).then_compute_output(move |request| {
        assert!(request.max_results().is_some(), "SQS pages only when asked to");
        let page: usize = request.next_token().map_or(0, |token| token.parse().unwrap());
        let url = format!("https://sqs.us-east-1.amazonaws.com/123456789012/{}", names[page]);
        let next = (page < 4).then(|| (page + 1).to_string());
        ListQueuesOutput::builder().queue_urls(url).set_next_token(next).build()
    });
    let tags = mock!(aws_sdk_sqs::Client::list_queue_tags)
        .then_output(|| ListQueueTagsOutput::builder().tags("a2a:deployment", "a2a").build());
    let delete =
        mock!(aws_sdk_sqs::Client::delete_queue).then_output(|| DeleteQueueOutput::builder().build());
    let none = mock!(aws_sdk_sns::Client::list_subscriptions_by_topic)
        .then_output(|| ListSubscriptionsByTopicOutput::builder().build());
    let clients = Clients {
        sns: mock_client!(aws_sdk_sns, RuleMode::MatchAny, [&none]),
        sqs: mock_client!(aws_sdk_sqs, RuleMode::MatchAny, [&list, &tags, &delete]),
    };
    let pass = Janitor::new(clients, deployment, members.0, Rules::default()).pass().await.unwrap();
    assert_eq!(pass.removed.iter().map(|one| one.instance).collect::<Vec<_>>(), evicted);
    assert_eq!(delete.num_calls(), 5);
}
