//! A message sent again, because its client saw no answer, makes no second task.

use std::sync::Arc;
use std::time::Duration;

use a2a::{Message, SendMessageRequest, SendMessageResponse, TaskState, error_code};
use a2a_cluster::{Cluster, ClusterBuilder, MessageIds};
use a2a_core::{PushConfigs, TaskStore, Version};
use a2a_server::{RequestHandler, ServiceParams};
use a2a_store_memory::MemoryStore;
use futures::future::join_all;

use crate::world::hooked::{Fate, Hooked};
use crate::world::{
    self, Bus, Node, World, at_once, card, drain, eventually, expect_task, fold, follow_up, key, list,
    local_webhooks, numbered, on_every_bus, params, quick, request, state, texts, webhook, webhooks,
};
use a2a_testkit::{Delay, Forecast, ScriptedAgent};

/// Instances of one agent, without a bus.
async fn counted(instances: usize) -> (Vec<Node>, ScriptedAgent, Arc<MemoryStore>) {
    let (agent, store) = (ScriptedAgent::default(), Arc::new(MemoryStore::new()));
    let mut nodes = Vec::new();
    for _ in 0..instances {
        let builder = Cluster::builder(Arc::new(agent.clone()), card())
            .webhooks(local_webhooks())
            .store(store.clone())
            .config(quick());
        let cluster = builder.start().await.unwrap();
        nodes.push(Node::of(cluster));
    }
    (nodes, agent, store)
}

/// The service parameters of a request with an idempotency key.
fn keyed(key: &str) -> ServiceParams {
    let mut params = params();
    params.insert("idempotency-key".into(), vec![key.to_owned()]);
    params
}

async fn send(node: &Node, params: &ServiceParams, request: &SendMessageRequest) -> SendMessageResponse {
    node.handler.send_message(params, request.clone()).await.unwrap()
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn a_repeated_message_returns_the_task_it_made_on_any_instance(bus) {
        let world = World::new(3, bus).await;
        let first = request("stream 20 5");
        let sends = (0..6).map(|n| {
            let handler = world.nodes[n % 3].handler.clone();
            let request = first.clone();
            async move { expect_task(handler.send_message(&params(), request).await.unwrap()) }
        });
        let tasks = join_all(sends).await;
        for task in &tasks {
            assert_eq!((&task.id, texts(task).len()), (&tasks[0].id, 20));
        }
        let listed = world.on(0).list_tasks(&params(), list()).await.unwrap();
        assert_eq!(listed.total_size, 1);
        let again = expect_task(world.on(2).send_message(&params(), first).await.unwrap());
        assert_eq!((again.id, state(&tasks[0])), (tasks[0].id.clone(), TaskState::Completed));
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_repeated_stream_joins_the_turn_on_any_instance(bus) {
        for nodes in [[0, 1], [0, 0], [1, 0]] {
            let world = World::new(2, bus).await;
            let first = request("stream 30 5");
            let streams = nodes.map(|n| {
                let handler = world.nodes[n].handler.clone();
                let request = first.clone();
                async move {
                    fold(&drain(handler.send_streaming_message(&params(), request).await.unwrap()).await)
                }
            });
            let [a, b] = join_all(streams).await.try_into().unwrap();
            assert_eq!((&a.id, texts(&a).len(), texts(&b).len()), (&b.id, 30, 30));
            assert_eq!((state(&a), state(&b)), (TaskState::Completed, TaskState::Completed));
            world.shutdown().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_repeated_message_that_wants_no_wait_does_not_wait(bus) {
        let world = World::new(2, bus).await;
        let mut first = request("quiet 3600000");
        first.configuration = at_once();
        let sends = [0, 1, 0, 1].map(|n| send(&world.nodes[n], &PARAMS, &first));
        let sent = tokio::time::timeout(std::time::Duration::from_secs(10), join_all(sends)).await.unwrap();
        let ids: Vec<_> = sent.into_iter().map(|sent| expect_task(sent).id).collect();
        assert!(ids.iter().all(|id| *id == ids[0]));
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_repeated_follow_up_returns_the_task(bus) {
        let world = World::new(2, bus).await;
        let parked = world.nodes[0].send("ask").await;
        let answer = follow_up(&parked, "the answer");
        for n in [0, 1, 0] {
            let done = expect_task(world.on(n).send_message(&params(), answer.clone()).await.unwrap());
            assert_eq!((state(&done), texts(&done)), (TaskState::Completed, vec!["the answer"]));
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn another_message_under_the_same_id_is_another_message(bus) {
        let world = World::new(1, bus).await;
        let first = request("echo one");
        let mut second: SendMessageRequest = request("echo two");
        second.message.message_id = first.message.message_id.clone();
        let one = expect_task(world.on(0).send_message(&params(), first).await.unwrap());
        let two = expect_task(world.on(0).send_message(&params(), second).await.unwrap());
        assert_ne!(one.id, two.id);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_repeated_message_that_left_no_task_is_answered_again(bus) {
        let world = World::new(1, bus).await;
        let hello = request("message hello");
        for _ in 0..2 {
            let answer = world.on(0).send_message(&params(), hello.clone()).await.unwrap();
            assert!(matches!(answer, SendMessageResponse::Message(_)));
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn where_no_message_id_counts_every_send_is_new(bus) {
        let world = World::with(1, bus, world::quick().message_ids(MessageIds::None)).await;
        let hello = request("echo hello");
        let one = expect_task(world.on(0).send_message(&params(), hello.clone()).await.unwrap());
        let two = expect_task(world.on(0).send_message(&params(), hello).await.unwrap());
        assert_ne!(one.id, two.id);
        world.shutdown().await;
    }
}

static PARAMS: std::sync::LazyLock<ServiceParams> = std::sync::LazyLock::new(params);

#[tokio::test(start_paused = true)]
async fn a_message_id_that_is_no_uuid_counts_by_a_setting_only() {
    for (setting, tasks) in [(MessageIds::Uuids, 2), (MessageIds::All, 1)] {
        let world = World::with(1, Bus::Plugged, quick().message_ids(setting)).await;
        for _ in 0..2 {
            send(&world.nodes[0], &params(), &numbered("echo hi")).await;
        }
        let listed = world.on(0).list_tasks(&params(), list()).await.unwrap();
        assert_eq!(listed.total_size, tasks, "{setting:?}");
        world.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_message_starts_no_agent_once_its_task_exists() {
    let (nodes, agent, _) = counted(2).await;
    let first = request("echo hi");
    for n in [0, 0, 1, 1] {
        send(&nodes[n], &params(), &first).await;
    }
    assert_eq!(agent.turns(), 1);
    // Of equal messages at once, one starts an agent on each instance at most.
    let second = request("stream 5 5");
    join_all([0, 0, 0].map(|n| send(&nodes[n], &PARAMS, &second))).await;
    assert_eq!(agent.turns(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_ids_of_a_task_follow_from_its_message_and_nothing_else_is_written() {
    let (nodes, ..) = counted(1).await;
    let first = request("echo hi");
    let task = expect_task(send(&nodes[0], &params(), &first).await);
    for id in [&task.id, &task.context_id] {
        assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 8);
    }
    assert_ne!(task.id, task.context_id);
    // The same again elsewhere, over another store with another key: nobody can compute ids that others get.
    let (others, ..) = counted(1).await;
    assert_ne!(expect_task(send(&others[0], &params(), &first).await).id, task.id);
}

#[tokio::test(start_paused = true)]
async fn the_message_that_created_a_task_is_no_follow_up_to_it() {
    let (nodes, agent, _) = counted(1).await;
    let first = request("ask");
    let parked = expect_task(send(&nodes[0], &params(), &first).await);
    let mut again = first.clone();
    again.message.task_id = Some(parked.id.clone());
    let asked = expect_task(send(&nodes[0], &params(), &again).await);
    assert_eq!((asked.history.map(|history| history.len()), agent.turns()), (Some(2), 2));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_tasks_message_makes_a_task_under_another_id() {
    for params in [params(), keyed("k")] {
        let store = Arc::new(MemoryStore::new());
        let taken = Arc::new(std::sync::Mutex::new(None));
        // As a store that keeps the mark of a deletion: what it names can be created no more.
        let marks = Hooked::over(store.clone());
        marks.set({
            let taken = Arc::clone(&taken);
            move |_, key, commit| {
                let Some(commit) = commit else { return Fate::Answered };
                let mut taken = taken.lock().unwrap();
                let is_marked = *taken.get_or_insert_with(|| key.clone()) == *key;
                let creates = commit.expected() == Version::ABSENT;
                if is_marked && creates { Fate::Conflict } else { Fate::Answered }
            }
        });
        let builder = Cluster::builder(Arc::new(ScriptedAgent::default()), card())
            .webhooks(webhooks())
            .store(store)
            .config(quick());
        let cluster = builder.tasks(marks).start().await.unwrap();
        let node = Node::of(cluster);
        let first = request("stream 3 5");
        let task = expect_task(send(&node, &params, &first).await);
        assert_eq!((state(&task), texts(&task).len()), (TaskState::Completed, 3));
        assert_ne!(task.id, taken.lock().unwrap().as_ref().unwrap().task_id);
        let events = drain(node.handler.send_streaming_message(&params, first).await.unwrap()).await;
        assert_eq!(texts(&fold(&events)).len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn an_idempotency_key_makes_requests_one_whatever_their_message_ids() {
    let (nodes, agent, _) = counted(2).await;
    let first = numbered("stream 10 5");
    let sends = [0, 1, 0, 1].map(|n| {
        let (node, params, first) = (&nodes[n], keyed("k"), &first);
        async move { expect_task(send(node, &params, first).await) }
    });
    let tasks = join_all(sends).await;
    assert!(tasks.iter().all(|task| task.id == tasks[0].id && texts(task).len() == 10));
    assert_eq!(agent.turns(), 1, "the task is created before its agent starts");
    let other = expect_task(send(&nodes[0], &keyed("another"), &first).await);
    assert_ne!(other.id, tasks[0].id);
    let streamed = nodes[1].handler.send_streaming_message(&keyed("k"), first).await.unwrap();
    assert_eq!(fold(&drain(streamed).await).id, tasks[0].id);
}

#[tokio::test(start_paused = true)]
async fn with_an_idempotency_key_a_bare_answer_becomes_the_result_of_a_task() {
    let (nodes, agent, _) = counted(1).await;
    let hello = request("message hello");
    for _ in 0..2 {
        let task = expect_task(send(&nodes[0], &keyed("k"), &hello).await);
        let said = task.status.message.as_ref().and_then(Message::text);
        assert_eq!((state(&task), said), (TaskState::Completed, Some("hello")));
    }
    assert_eq!(agent.turns(), 1);
}

#[tokio::test(start_paused = true)]
async fn another_message_under_the_same_idempotency_key_is_refused() {
    let (nodes, agent, _) = counted(1).await;
    send(&nodes[0], &keyed("k"), &numbered("echo one")).await;
    let mut elsewhere = numbered("echo one");
    elsewhere.message.context_id = Some("elsewhere".into());
    for other in [numbered("echo two"), elsewhere] {
        let refused = nodes[0].handler.send_message(&keyed("k"), other).await.unwrap_err();
        assert_eq!(refused.code, error_code::INVALID_PARAMS);
    }
    assert_eq!(agent.turns(), 1);
}

/// A request with a webhook that has no id.
fn with_webhook(text: &str) -> SendMessageRequest {
    let mut request = request(text);
    request.configuration = at_once();
    let config = webhook("http://127.0.0.1:9/hook");
    request.configuration.as_mut().unwrap().task_push_notification_config = Some(config);
    request
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_refused_under_anothers_key_leaves_no_webhook() {
    for others in [[0, 0], [0, 1]] {
        for later in [0, 10, 30, 50, 70, 90] {
            let local = |builder: ClusterBuilder| builder.config(quick()).webhooks(local_webhooks());
            let world = World::build(2, Bus::Unplugged, local).await;
            let delay = Duration::from_millis(20);
            world.weather.set(Forecast { store_delay: Delay::between(delay, delay), ..Forecast::calm() });
            let sends = others.into_iter().zip([("one", 0), ("two", later)]).map(|(n, (name, later))| {
                let mut request = with_webhook(&format!("sleep 60000; done {name}"));
                let config = request.configuration.as_mut().unwrap().task_push_notification_config.as_mut();
                config.unwrap().url = format!("http://127.0.0.1:9/{name}");
                let handler = world.nodes[n].handler.clone();
                async move {
                    tokio::time::sleep(Duration::from_millis(later)).await;
                    (name, handler.send_message(&keyed("k"), request).await)
                }
            });
            let (taken, refused): (Vec<_>, Vec<_>) =
                join_all(sends).await.into_iter().partition(|(_, sent)| sent.is_ok());
            assert_eq!((taken.len(), refused.len()), (1, 1), "{later} ms later on {others:?}");
            assert_eq!(refused[0].1.as_ref().unwrap_err().code, error_code::INVALID_PARAMS);
            let (name, sent) = taken.into_iter().next().unwrap();
            let key = key(&expect_task(sent.unwrap()).id);
            let saved = || async { world.store.list_configs(&key).await.unwrap() };
            eventually("the webhook is saved", async || !saved().await.is_empty()).await;
            let urls: Vec<_> = saved().await.into_iter().map(|saved| saved.config.url).collect();
            assert_eq!(urls, [format!("http://127.0.0.1:9/{name}")], "{later} ms later on {others:?}");
            world.shutdown().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_webhook_of_a_repeated_message_is_saved_once() {
    let (nodes, _, store) = counted(2).await;
    let configs = async |id: &str| store.list_configs(&key(id)).await.unwrap().len();
    let first = with_webhook("quiet 600000");
    let task = expect_task(send(&nodes[0], &params(), &first).await);
    for n in [0, 1] {
        send(&nodes[n], &params(), &first).await;
    }
    assert_eq!(configs(&task.id).await, 1);

    // One that only the repeated message brings is saved, too.
    let mut bare = with_webhook("quiet 500000");
    let mut late = bare.clone();
    bare.configuration = at_once();
    late.message = bare.message.clone();
    let task = expect_task(send(&nodes[0], &params(), &bare).await);
    assert_eq!(configs(&task.id).await, 0);
    for n in [0, 1] {
        send(&nodes[n], &params(), &late).await;
    }
    assert_eq!(configs(&task.id).await, 1);

    let parked = nodes[0].send("ask").await;
    let mut answer = with_webhook("quiet 600000");
    answer.message.task_id = Some(parked.id.clone());
    for n in [0, 1, 0] {
        send(&nodes[n], &params(), &answer).await;
    }
    assert_eq!(configs(&parked.id).await, 1);
    for node in &nodes {
        node.cluster.shutdown(Duration::ZERO).await;
    }
    assert!(store.head(&key(&parked.id)).await.unwrap().is_some());
}
