//! Whoever may send to the queues and publish to the topic, and cannot read the table, shows nothing to any client.

use std::sync::Arc;

use a2a::{A2AError, StreamResponse, TaskState};
use a2a_core::wire::{self, Seal};
use a2a_core::{
    BusMessage, CancelKey, CommitId, CommitRecord, Deployment, Env, Generation, InstanceId, Key, Keys, News,
    SystemEnv, TaskKey, TaskStore, Tenant, Version, reduce,
};
use a2a_testaws::Service;
use a2a_testworld::sockets::Binding;
use a2a_testworld::world::{get, identified, state, subscribe};
use aws_sdk_sns::types::MessageAttributeValue;
use aws_sdk_sqs::types::QueueAttributeName;
use futures::StreamExt;

use super::site::Site;
use crate::node::{Node, soon};

/// Sends what an account's other roles could send: any body, to any queue, straight and by the topic.
struct Forger<'a> {
    site: &'a Site,
    sns: aws_sdk_sns::Client,
    sqs: aws_sdk_sqs::Client,
}

impl Forger<'_> {
    async fn send(&self, to: InstanceId, body: &str) {
        let queues = self.site.queues().await;
        let queue = queues.iter().find(|url| url.ends_with(&to.to_string())).unwrap();
        self.sqs.send_message().queue_url(queue).message_body(body).send().await.unwrap();
    }

    async fn publish(&self, to: InstanceId, body: &str) {
        let recipients = MessageAttributeValue::builder().data_type("String.Array");
        let recipients = recipients.string_value(format!("[\"{to}\"]")).build().unwrap();
        let publish = self.sns.publish().topic_arn(self.site.topic_arn()).message(body);
        publish.message_attributes("to", recipients).send().await.unwrap();
    }
}

/// How many messages an instance has dropped because they prove nothing.
async fn dropped(node: &Node) -> u64 {
    let metrics = node.get(0, "/metrics").await.text().await.unwrap();
    let line = metrics
        .lines()
        .find(|line| line.starts_with("a2a_bus_messages_dropped_total") && line.contains("\"unproven\""));
    line.and_then(|line| line.rsplit(' ').next()).map_or(0, |count| count.parse().unwrap())
}

fn end(event: &Result<StreamResponse, A2AError>) -> Option<TaskState> {
    match event.as_ref().unwrap() {
        StreamResponse::StatusUpdate(update) if reduce::ends_turn(&update.status.state) => {
            Some(update.status.state.clone())
        }
        _ => None,
    }
}

#[tokio::test]
async fn forged_messages_show_nothing_and_cancel_nothing() {
    let Some(site) = Site::provisioned().await else { return };
    let (executor, watcher) = tokio::join!(site.serve(&[]), site.serve(&[]));
    site.becomes([2, 2, 2]).await;
    let sqs = aws_sdk_sqs::Client::new(&site.account.sdk_config(Service::Sqs));
    // What proves nothing is read three times before it is dropped: it comes again soon.
    for queue in site.queues().await {
        let set = sqs.set_queue_attributes().queue_url(queue);
        set.attributes(QueueAttributeName::VisibilityTimeout, "1").send().await.unwrap();
    }
    let [of_executor, of_watcher]: [InstanceId; 2] =
        [&executor, &watcher].map(|node| node.instances[0].id.parse().unwrap());

    let client = executor.client(0, Binding::JsonRpc).await;
    let mut own = soon(client.send_streaming_message(&identified("wait 600"))).await.unwrap();
    let Some(Ok(StreamResponse::Task(task))) = soon(own.next()).await else { panic!("no task") };
    let elsewhere = watcher.client(0, Binding::JsonRpc).await;
    let shown = soon(elsewhere.subscribe_to_task(&subscribe(&task.id))).await.unwrap();

    let store = site.store();
    let key = TaskKey::new(Tenant::default(), task.id.clone());
    // The first of the turn's statuses may still be on its way.
    let stored = soon(async {
        loop {
            let stored = store.load(&key).await.unwrap().unwrap();
            if stored.task.status.state == TaskState::Working {
                return stored;
            }
        }
    })
    .await;
    let claim = store.head(&key).await.unwrap().unwrap().claim.unwrap();
    assert_eq!(claim.instance, of_executor);

    // All that a message says is true, but for the end that it invents.
    let version = Version::new(stored.version.get() + 1);
    let mut completed = task.status.clone();
    completed.state = TaskState::Completed;
    let invented = CommitRecord {
        version,
        generation: Generation::new(stored.generation.get() + 1),
        id: CommitId::generate(&SystemEnv),
        events: vec![StreamResponse::StatusUpdate(a2a::TaskStatusUpdateEvent {
            task_id: task.id.clone(),
            context_id: task.context_id.clone(),
            status: completed,
            metadata: None,
        })],
    };
    let message = |from, news| BusMessage { from, task: key.clone(), news, trace: None };
    let cancel = CancelKey { claim: claim.by, request: SystemEnv.uuid() };
    let messages = [
        (of_watcher, message(of_executor, News::Commits(vec![Arc::new(invented)]))),
        (of_watcher, message(of_executor, News::CancelRefused(cancel))),
        (of_executor, message(of_watcher, News::Cancel(cancel, None))),
        (of_executor, message(of_watcher, News::Configs)),
    ];
    let forger =
        Forger { site: &site, sns: aws_sdk_sns::Client::new(&site.account.sdk_config(Service::Sns)), sqs };
    for seal in [Seal::open(), Seal::new(Keys::first([7; 32]))] {
        for (to, message) in &messages {
            let body = wire::encode(&[*to], message, &seal);
            forger.send(*to, &body).await;
            forger.publish(*to, &body).await;
        }
    }
    soon(async {
        while [dropped(&executor).await, dropped(&watcher).await] != [8, 8] {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let read = elsewhere.get_task(&get(&task.id)).await.unwrap();
    assert_eq!(state(&read), TaskState::Working);

    // The same request to cancel counts from whoever has the key: so nothing but the code was missing.
    let seal = Seal::new(store.keys(Key::OF_BUS, SystemEnv.secret()).await.unwrap());
    forger.send(of_executor, &wire::encode(&[of_executor], &messages[2].1, &seal)).await;
    for stream in [own, shown] {
        let ends: Vec<_> = soon(stream.collect::<Vec<_>>()).await.iter().filter_map(end).collect();
        assert_eq!(ends, [TaskState::Canceled]);
    }
}
