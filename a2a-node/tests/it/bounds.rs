//! How much an instance takes on, as its flags say.

use a2a::TaskState;
use a2a_testworld::Binding;
use a2a_testworld::world::{at_once, cancel, expect_task, request, state};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::node::{Node, soon};

fn address(node: &Node) -> &str {
    node.instances[0].http.trim_start_matches("http://")
}

#[tokio::test]
async fn an_instance_runs_so_many_agents_and_no_more() {
    let node = Node::serve(&["--max-agents", "1", "--shutdown-grace", "0"]).await;
    let client = node.client(0, Binding::JsonRpc).await;
    let mut busy = request("wait 3600");
    busy.configuration = at_once();
    let task = expect_task(soon(client.send_message(&busy)).await.unwrap());
    let refused = soon(client.send_message(&request("echo hi"))).await.unwrap_err();
    assert!(refused.message.contains("as much to do as it takes on"), "{refused:?}");
    soon(client.cancel_task(&cancel(&task.id))).await.unwrap();
    soon(async { while client.send_message(&request("echo hi")).await.is_err() {} }).await;
}

#[tokio::test]
async fn an_agent_that_says_nothing_or_never_ends_fails_in_its_time() {
    for (flag, text) in [("--agent-silence", "wait 3600"), ("--turn-limit", "stream 100000 20")] {
        let node = Node::serve(&[flag, "0.3"]).await;
        let client = node.client(0, Binding::JsonRpc).await;
        let task = expect_task(soon(client.send_message(&request(text))).await.unwrap());
        assert_eq!(state(&task), TaskState::Failed, "{flag}: {task:?}");
    }
}

#[tokio::test]
async fn a_socket_takes_so_many_connections_and_those_who_ask_after_the_health() {
    let node = Node::serve(&["--connections", "1"]).await;
    let mut held = TcpStream::connect(address(&node)).await.unwrap();
    held.write_all(b"GET").await.unwrap();
    let full = async { while node.get(0, "/tasks").await.status() != 503 {} };
    soon(full).await;
    assert_eq!(node.get(0, "/readyz").await.status(), 200);
}

#[tokio::test]
async fn a_connection_is_told_how_many_streams_it_may_open() {
    const SETTINGS: u8 = 4;
    const MAX_CONCURRENT_STREAMS: u16 = 3;
    let node = Node::serve(&["--streams-per-connection", "7"]).await;
    let mut stream = TcpStream::connect(address(&node)).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&[0, 0, 0, SETTINGS, 0, 0, 0, 0, 0]).await.unwrap();
    let mut head = [0; 9];
    soon(stream.read_exact(&mut head)).await.unwrap();
    assert_eq!(head[3], SETTINGS);
    let mut settings = vec![0; usize::from(head[2])];
    soon(stream.read_exact(&mut settings)).await.unwrap();
    let told = settings.chunks_exact(6).map(|setting| {
        let value = setting[2..].iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
        (u16::from_be_bytes([setting[0], setting[1]]), value)
    });
    assert!(told.clone().any(|setting| setting == (MAX_CONCURRENT_STREAMS, 7)), "{settings:?}");
}

#[tokio::test]
async fn a_connection_that_is_idle_for_so_long_is_closed() {
    let node = Node::serve(&["--idle-timeout", "1"]).await;
    let mut stream = TcpStream::connect(address(&node)).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
