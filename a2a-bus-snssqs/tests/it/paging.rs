//! Lists of many pages, which no emulator at hand has.

use std::sync::Arc;

use a2a_bus_snssqs::{Clients, SnsSqsBus, TopicArn};
use a2a_core::{EventBus, InstanceId, Member, Membership};
use a2a_store_memory::MemoryStore;
use aws_sdk_sns::operation::list_subscriptions_by_topic::ListSubscriptionsByTopicOutput;
use aws_sdk_sns::operation::unsubscribe::UnsubscribeOutput;
use aws_sdk_sns::types::Subscription;
use aws_sdk_sqs::operation::delete_queue::DeleteQueueOutput;
use aws_sdk_sqs::operation::list_queue_tags::ListQueueTagsOutput;
use aws_sdk_sqs::operation::list_queues::ListQueuesOutput;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

use crate::common::fake::TOPIC;
use crate::common::new_instance;

fn topic() -> TopicArn {
    TOPIC.parse().unwrap()
}

/// Pages of a hundred subscriptions, as SNS has them.
fn subscriptions_of(instances: &[InstanceId]) -> Rule {
    let endpoints: Vec<_> = instances.iter().map(|instance| topic().queue_arn(*instance)).collect();
    mock!(aws_sdk_sns::Client::list_subscriptions_by_topic).then_compute_output(move |request| {
        let page: usize = request.next_token().map_or(0, |token| token.parse().unwrap());
        let subscription = |(n, endpoint): (usize, &String)| {
            let arn = format!("{TOPIC}:{}", page * 100 + n);
            Subscription::builder().subscription_arn(arn).protocol("sqs").endpoint(endpoint).build()
        };
        let page_of = endpoints.chunks(100).nth(page).unwrap_or_default();
        let next = ((page + 1) * 100 < endpoints.len()).then(|| (page + 1).to_string());
        ListSubscriptionsByTopicOutput::builder()
            .set_subscriptions(Some(page_of.iter().enumerate().map(subscription).collect()))
            .set_next_token(next)
            .build()
    })
}

#[tokio::test]
async fn a_subscription_on_the_last_of_three_pages_is_found_and_all_are_remembered() {
    let instances: Vec<_> = (0..300).map(|_| new_instance()).collect();
    let list = subscriptions_of(&instances);
    let unsubscribe = mock!(aws_sdk_sns::Client::unsubscribe)
        .match_requests(|request| {
            [":299", ":7"].iter().any(|end| request.subscription_arn().unwrap().ends_with(end))
        })
        .then_output(|| UnsubscribeOutput::builder().build());
    let delete =
        mock!(aws_sdk_sqs::Client::delete_queue).then_output(|| DeleteQueueOutput::builder().build());
    let clients = Clients {
        sns: mock_client!(aws_sdk_sns, RuleMode::MatchAny, [&list, &unsubscribe]),
        sqs: mock_client!(aws_sdk_sqs, RuleMode::MatchAny, [&delete]),
    };
    let bus = SnsSqsBus::with_clients(clients, TOPIC).unwrap();
    for instance in [&instances[299], &instances[7]] {
        bus.release(instance).await.unwrap();
    }
    assert_eq!((unsubscribe.num_calls(), delete.num_calls(), list.num_calls()), (2, 2, 3));
    // Of whom the list says nothing, another one might.
    bus.release(&new_instance()).await.unwrap();
    assert_eq!((unsubscribe.num_calls(), delete.num_calls(), list.num_calls()), (2, 3, 6));
}

#[tokio::test]
async fn queues_and_subscriptions_on_several_pages_are_all_in_the_inventory() {
    let (with_queue, subscribed): (Vec<_>, Vec<_>) =
        ((0..5).map(|_| new_instance()).collect(), (0..150).map(|_| new_instance()).collect());
    let list = subscriptions_of(&subscribed);
    let names: Vec<_> = with_queue.iter().map(|instance| topic().queue_name(*instance)).collect();
    let queues = mock!(aws_sdk_sqs::Client::list_queues).then_compute_output(move |request| {
        assert!(request.max_results().is_some(), "SQS pages only when asked to");
        let page: usize = request.next_token().map_or(0, |token| token.parse().unwrap());
        let url = format!("https://sqs.us-east-1.amazonaws.com/123456789012/{}", names[page]);
        let next = (page < 4).then(|| (page + 1).to_string());
        ListQueuesOutput::builder().queue_urls(url).set_next_token(next).build()
    });
    let tags = mock!(aws_sdk_sqs::Client::list_queue_tags)
        .then_output(|| ListQueueTagsOutput::builder().tags("a2a:deployment", "a2a").build());
    let clients = Clients {
        sns: mock_client!(aws_sdk_sns, RuleMode::MatchAny, [&list]),
        sqs: mock_client!(aws_sdk_sqs, RuleMode::MatchAny, [&queues, &tags]),
    };
    let members: Arc<dyn Membership> = Arc::new(MemoryStore::default());
    let known = [with_queue[4], subscribed[149]];
    for id in known {
        let _ = members.beat(&Member::joining(id, None)).await.unwrap();
    }
    let bus = SnsSqsBus::with_clients(clients, TOPIC).unwrap();
    let inventory = bus.inventory(&*members).await.unwrap();
    assert_eq!(inventory.known, known);
    let orphans: Vec<_> = with_queue[..4].iter().chain(&subscribed[..149]).copied().collect();
    assert_eq!(inventory.orphans, orphans);
    assert_eq!(tags.num_calls(), 4, "tags are asked for where they decide");
}
