//! How the binary calls webhooks: by which proxy, and which settings it does not start with.

use a2a::SendMessageRequest;
use a2a_testworld::Binding;
use a2a_testworld::world::{configuration, request, webhook};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::node::{self, Node, run, soon, text};

/// Takes one request, of a proxy's or a webhook's kind, and returns its first line.
async fn first_line(socket: &TcpListener) -> String {
    let (mut stream, _) = socket.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.contains(&b'\n') {
        assert!(stream.read_buf(&mut head).await.unwrap() > 0, "the request ended early");
    }
    stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
    text(&head).lines().next().unwrap().to_owned()
}

/// Shields it from the proxies of whoever runs the tests.
fn without_proxies(command: &mut Command) {
    for name in ["REQUEST_METHOD", "ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
}

/// What reaches a socket when a node with these settings calls a webhook: they are made of the socket's address. Each has
/// one of its own, for a node may go on calling for as long as it lives.
async fn called_with(flags: &[&str], variables: &[(&str, &str)], url: &str) -> String {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let filled = |text: &str| text.replace("SOCKET", &address);
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--drain-delay", "0"].iter().chain(flags);
    let arguments: Vec<String> = arguments.map(|argument| filled(argument)).collect();
    let mut command = node::command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    without_proxies(&mut command);
    command.envs(variables.iter().map(|(name, value)| (*name, filled(value))));
    let node = Node::start(&mut command).await;
    let configuration = a2a::SendMessageConfiguration {
        task_push_notification_config: Some(webhook(filled(url))),
        ..configuration()
    };
    let request = SendMessageRequest { configuration: Some(configuration), ..request("echo hi") };
    let client = node.client(0, Binding::JsonRpc).await;
    let (sent, line) = tokio::join!(client.send_message(&request), soon(first_line(&socket)));
    sent.unwrap();
    line
}

#[tokio::test]
async fn webhooks_are_called_by_the_proxy_that_is_set_and_by_the_environments_only_when_asked() {
    const PROXY: &str = "http://ann:pass@SOCKET";
    const ELSEWHERE: &str = "http://127.0.0.1:1";
    let (remote, here) = ("http://receiver.example.com/hook", "http://SOCKET/hook");

    let by_flag = called_with(&["--webhook-proxy", PROXY], &[("HTTP_PROXY", ELSEWHERE)], remote).await;
    assert_eq!(by_flag, format!("POST {remote} HTTP/1.1"));

    let by_variable = called_with(&["--webhook-proxy", "env"], &[("HTTP_PROXY", PROXY)], remote).await;
    assert_eq!(by_variable, format!("POST {remote} HTTP/1.1"));

    let flags = ["--allow-local-webhooks", "--webhook-proxy", "env"];
    let excepted = called_with(&flags, &[("HTTP_PROXY", ELSEWHERE), ("NO_PROXY", "127.0.0.1")], here).await;
    assert_eq!(excepted, "POST /hook HTTP/1.1");

    let variables = [("HTTP_PROXY", ELSEWHERE), ("ALL_PROXY", ELSEWHERE)];
    let straight = called_with(&["--allow-local-webhooks"], &variables, here).await;
    assert_eq!(straight, "POST /hook HTTP/1.1");
}

#[tokio::test]
async fn settings_of_webhooks_that_cannot_be_meant_are_refused_at_the_start_and_not_repeated() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let table: [(&[&str], i32, &str); 6] = [
        (
            &["--webhook-proxy", "https://ann:planted@proxy.example.com"],
            1,
            "a webhook proxy is a URL such as",
        ),
        (&["--webhook-proxy", "planted://"], 1, "a webhook proxy is a URL such as"),
        (&["--webhook-roots", "/nowhere/roots.pem"], 1, "cannot read /nowhere/roots.pem"),
        (&["--webhook-roots", manifest], 1, "the extra roots for webhooks are not certificates in PEM"),
        (
            &["--webhook-client-cert", manifest, "--webhook-client-key", manifest],
            1,
            "the client certificate for webhooks is not",
        ),
        (&["--webhook-client-cert", manifest], 2, "--webhook-client-key <FILE>"),
    ];
    for (flags, code, reason) in table {
        let output = run(&[&["serve", "--listen", "127.0.0.1:0"], flags].concat()).await;
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {said}");
        assert!(said.contains(reason) && output.stdout.is_empty(), "{flags:?}: {said}");
        assert!(!said.contains("planted"), "{flags:?}: {said}");
    }
    let mut command = node::command(&["serve", "--webhook-proxy", "env"]);
    without_proxies(&mut command);
    let output =
        soon(command.env("HTTPS_PROXY", "https://ann:planted@proxy.example.com").output()).await.unwrap();
    let said = text(&output.stderr);
    assert!(said.contains("HTTPS_PROXY is not the URL of a proxy") && !said.contains("planted"), "{said}");
}
