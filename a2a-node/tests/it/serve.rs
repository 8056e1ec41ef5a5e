//! The life of a serving process: start-up line, health, settings, drain.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use a2a::SendMessageRequest;
use a2a_testworld::Binding;
use a2a_testworld::world::{at_once, request};

use crate::node::{self, Node, soon};

/// Makes an instance work for an hour.
async fn keep_busy(node: &Node) {
    let request = SendMessageRequest { configuration: at_once(), ..request("wait 3600") };
    soon(node.client(0, Binding::JsonRpc).await.send_message(&request)).await.unwrap();
}

#[tokio::test]
async fn a_node_announces_itself_is_healthy_and_ends_well_on_sigterm() {
    let node = Node::serve(&[]).await;
    assert_eq!(node.instances.len(), 1);
    assert_eq!(node.instances[0].grpc, None);
    assert_eq!(node.get(0, "/healthz").await.status(), 200);
    assert_eq!(node.get(0, "/readyz").await.status(), 200);
    node.terminate().await;
    assert_eq!(node.ended().await.code(), Some(0));
}

#[tokio::test]
async fn every_instance_has_its_own_id_and_its_own_free_ports() {
    let node = Node::serve(&["--instances", "3", "--grpc-listen", "127.0.0.1:0"]).await;
    let ids: HashSet<_> = node.instances.iter().map(|instance| &instance.id).collect();
    let urls: HashSet<_> =
        node.instances.iter().flat_map(|i| [Some(&i.http), i.grpc.as_ref()]).map(Option::unwrap).collect();
    assert_eq!((ids.len(), urls.len()), (3, 6));
}

#[tokio::test]
async fn settings_come_from_the_environment_too() {
    let mut command = node::command(&["serve"]);
    command.env("A2A_LISTEN", "127.0.0.1:0").env("A2A_GRPC_LISTEN", "127.0.0.1:0").env("A2A_INSTANCES", "2");
    command.env("A2A_ALLOW_LOCAL_WEBHOOKS", "1");
    let node = Node::start(&mut command).await;
    assert_eq!(node.instances.len(), 2);
    assert!(node.instances.iter().all(|instance| instance.grpc.is_some()));
}

#[tokio::test]
async fn a_variable_that_is_empty_is_none() {
    let mut command = node::command(&["serve"]);
    for variable in include_str!("../../README.md").split('`').filter(|quoted| quoted.starts_with("A2A_")) {
        command.env(variable, "");
    }
    let node = Node::start(command.env("A2A_LISTEN", "127.0.0.1:0").env("A2A_DRAIN_DELAY", "0")).await;
    assert_eq!((node.instances.len(), node.instances[0].grpc.as_deref()), (1, None));
    node.terminate().await;
    assert_eq!(node.ended().await.code(), Some(0));
}

#[tokio::test]
async fn the_card_names_the_public_address_when_there_is_one() {
    let flags = ["--public-url", "https://agent.example/a2a", "--grpc-listen", "127.0.0.1:0"];
    let node = Node::serve(&flags).await;
    let card: a2a::AgentCard = node.get(0, "/.well-known/agent-card.json").await.json().await.unwrap();
    let named: Vec<_> =
        card.supported_interfaces.iter().map(|i| (i.protocol_binding.as_str(), i.url.as_str())).collect();
    let grpc = node.instances[0].grpc.as_deref().unwrap().trim_start_matches("http://");
    let public = "https://agent.example/a2a";
    assert_eq!(named, [("JSONRPC", public), ("HTTP+JSON", public), ("GRPC", grpc)]);
}

#[tokio::test]
async fn without_a_flag_one_address_serves_all_bindings_and_the_card_says_so() {
    for (flags, urls) in
        [(&[][..], None), (&["--public-url", "https://agent.example"], Some(["https://agent.example"; 2]))]
    {
        let node = Node::serve(flags).await;
        let card: a2a::AgentCard = node.get(0, "/.well-known/agent-card.json").await.json().await.unwrap();
        let named = |binding: &str| {
            let interface = card.supported_interfaces.iter().find(|i| i.protocol_binding == binding);
            interface.unwrap().url.trim_start_matches("http://").to_owned()
        };
        let own = node.instances[0].http.trim_start_matches("http://").to_owned();
        match urls {
            None => assert_eq!([named("HTTP+JSON"), named("GRPC")], [own.clone(), own]),
            Some([http, grpc]) => assert_eq!([named("HTTP+JSON"), named("GRPC")], [http, grpc]),
        }
        if urls.is_none() {
            for binding in Binding::ALL {
                soon(node.client(0, binding).await.send_message(&request("echo hi"))).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_drain_ends_when_the_grace_is_over_whatever_runs() {
    let node = Node::serve(&["--shutdown-grace", "0.2"]).await;
    keep_busy(&node).await;
    let begun = Instant::now();
    node.terminate().await;
    assert_eq!(node.ended().await.code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn readyz_turns_false_while_draining_and_a_second_signal_ends_it() {
    let node = Node::serve(&["--shutdown-grace", "3600"]).await;
    keep_busy(&node).await;
    node.terminate().await;
    soon(async {
        let mut pause = tokio::time::interval(Duration::from_millis(10));
        while node.get(0, "/readyz").await.status() != 503 {
            pause.tick().await;
        }
    })
    .await;
    assert_eq!(node.get(0, "/healthz").await.status(), 200);
    node.terminate().await;
    assert_eq!(node.ended().await.code(), Some(1));
}

#[tokio::test]
async fn every_instance_shows_the_metrics_of_all_instances_of_its_process() {
    let node = Node::serve(&["--instances", "2", "--name", "blue"]).await;
    soon(node.client(1, Binding::JsonRpc).await.send_message(&request("echo hi"))).await.unwrap();
    let shown = node.get(0, "/metrics").await;
    assert_eq!(shown.status(), 200);
    assert_eq!(shown.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = shown.text().await.unwrap();
    let commits = |instance: usize| {
        let series = format!("a2a_commits_total{{member=\"blue-{}\"}} ", instance + 1);
        text.lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(commits(0), 0);
    assert!(commits(1) > 0);
    assert!(text.contains("a2a_commit_seconds_bucket"), "{text}");
}

#[cfg(feature = "aws")]
#[tokio::test]
async fn a_signal_is_heard_while_a_start_hangs() {
    // A service that takes connections and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let mut command =
        node::command(&["serve", "--listen", "127.0.0.1:0", "--store", "dynamodb", "--table", "t"]);
    command.args(["--topic-arn", "arn:aws:sns:us-east-1:000000000000:t"]);
    command.env("AWS_ENDPOINT_URL", endpoint).env("AWS_REGION", "us-east-1");
    command.env("AWS_ACCESS_KEY_ID", "k").env("AWS_SECRET_ACCESS_KEY", "s");
    let mut child = command.spawn().unwrap();
    let _connection = soon(silent.accept()).await.unwrap();
    let begun = Instant::now();
    let id = child.id().unwrap().to_string();
    let killed = tokio::process::Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
    assert!(killed.success());
    assert_eq!(soon(child.wait()).await.unwrap().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}
