//! On real sockets.

use std::sync::Arc;
use std::time::Duration;

use a2a_pb::proto::GetTaskRequest;
use a2a_pb::proto::a2a_service_client::A2aServiceClient;
use a2a_serve::bindings::{RequestLimits, grpc_service, serve};
use axum::Router;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::handler::Recorder;
use super::wire::router;

const LONG: Duration = Duration::from_secs(3600);

pub(crate) struct Server {
    pub(crate) address: std::net::SocketAddr,
    shutdown: CancellationToken,
    done: JoinHandle<std::io::Result<()>>,
}

pub(crate) async fn start(router: Router, grace: Duration) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let done = tokio::spawn(serve(listener, router, shutdown.clone(), grace));
    Server { address, shutdown, done }
}

const SUBSCRIBE: &str = "GET /tasks/t1:subscribe HTTP/1.1\r\nhost: x\r\na2a-version: 1.0\r\n\r\n";

/// Opens a stream and waits for its first event.
async fn subscribe(server: &Server) -> TcpStream {
    over_http_1(TcpStream::connect(server.address).await.unwrap(), SUBSCRIBE).await
}

/// Sends a request of HTTP/1, and waits for the first event.
pub(crate) async fn over_http_1(mut stream: TcpStream, request: &str) -> TcpStream {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut seen = String::new();
    while !seen.contains("data: ") {
        let mut buffer = [0; 1024];
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    stream
}

#[tokio::test]
async fn requests_are_answered_until_shutdown_and_no_longer() {
    let server = start(router(&Recorder::new()), LONG).await;
    let url = format!("http://{}/tasks/t1", server.address);
    let client = reqwest::Client::new();
    let answer = client.get(&url).header("a2a-version", "1.0").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    server.shutdown.cancel();
    // The client keeps its connection open: an idle one must not hold the server back.
    server.done.await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_peer_that_has_said_nothing_yet_does_not_hold_the_server_back() {
    let server = start(router(&Recorder::new()), LONG).await;
    let silent = TcpStream::connect(server.address).await.unwrap();
    let client = reqwest::Client::new();
    // Connections are accepted in turn: once this is answered, the silent one is open, too.
    client.get(format!("http://{}/tasks/t1", server.address)).send().await.unwrap();
    server.shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(30), server.done).await.unwrap().unwrap().unwrap();
    drop(silent);
}

#[tokio::test]
async fn a_stream_that_never_ends_is_cut_off_after_the_grace() {
    let server = start(router(&Recorder::with_endless_streams()), Duration::from_millis(50)).await;
    let mut stream = subscribe(&server).await;
    server.shutdown.cancel();
    server.done.await.unwrap().unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
}

#[tokio::test]
async fn a_stream_that_ends_within_the_grace_ends_properly() {
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let ended = Arc::new(std::sync::Mutex::new(Some(ended)));
    let route = axum::routing::get(move || {
        let ended = ended.lock().unwrap().take().unwrap();
        let last = futures::FutureExt::map(ended, |_| Ok::<_, std::io::Error>("last"));
        let chunks =
            futures::stream::once(std::future::ready(Ok("data: first"))).chain(futures::stream::once(last));
        async { axum::body::Body::from_stream(chunks) }
    });
    use futures::StreamExt;
    let server = start(Router::new().route("/tasks/t1:subscribe", route), LONG).await;
    let mut stream = subscribe(&server).await;
    server.shutdown.cancel();
    end.send(()).unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains("last"), "{rest}");
    server.done.await.unwrap().unwrap();
}

#[tokio::test]
async fn dropping_the_server_cuts_every_connection_off() {
    let server = start(router(&Recorder::with_endless_streams()), LONG).await;
    let mut stream = subscribe(&server).await;
    server.done.abort();
    assert!(server.done.await.unwrap_err().is_cancelled());
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
}

#[tokio::test]
async fn grpc_is_served_the_same_way() {
    let handler = Recorder::new();
    let service = grpc_service(Arc::clone(&handler), &RequestLimits::default());
    let server = start(tonic::service::Routes::new(service).into_axum_router(), LONG).await;
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
    let mut client = A2aServiceClient::new(endpoint.connect().await.unwrap());
    let mut request = tonic::Request::new(GetTaskRequest { id: "t1".into(), ..GetTaskRequest::default() });
    request.metadata_mut().insert("a2a-version", "1.0".parse().unwrap());
    let task = client.get_task(request).await.unwrap().into_inner();
    assert_eq!(task.id, "t1");
    let refused = client.get_task(GetTaskRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::FailedPrecondition);
    server.shutdown.cancel();
    server.done.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_short_stream_does_not_wait_for_acknowledgements() {
    // Each chunk is written by itself, as events are that come one by one.
    let chunk = |index| async move {
        tokio::task::yield_now().await;
        (index < 3).then_some((Ok::<_, std::io::Error>("data: x\n\n"), index + 1))
    };
    let body = move || std::future::ready(axum::body::Body::from_stream(futures::stream::unfold(0, chunk)));
    let route = axum::routing::get(body);
    let server = start(Router::new().route("/tasks/t1:subscribe", route), LONG).await;
    let mut connection = TcpStream::connect(server.address).await.unwrap();
    let mut fastest = LONG;
    // Acknowledgements are delayed only once a connection has been talking for a while.
    for round in 0..40 {
        let started = std::time::Instant::now();
        connection.write_all(SUBSCRIBE.as_bytes()).await.unwrap();
        let mut text = String::new();
        while !text.ends_with("\r\n0\r\n\r\n") {
            let mut buffer = [0; 4096];
            let read = connection.read(&mut buffer).await.unwrap();
            assert!(read > 0, "{text}");
            text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
        if round >= 30 {
            fastest = fastest.min(started.elapsed());
        }
    }
    assert!(fastest < Duration::from_millis(30), "{fastest:?}");
    drop(connection);
    server.shutdown.cancel();
    server.done.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let server = start(router(&Recorder::new()), LONG).await;
    let client = reqwest::Client::new();
    let much = vec![b'x'; 24 * 1024 * 1024];
    for (path, version, content_type, status) in [
        ("/", "1.0", "application/json", 413),
        ("/", "1.0", "text/plain", 415),
        ("/message:send", "1.0", "application/json", 413),
        ("/message:send", "0.3", "application/json", 400),
        ("/message:send", "1.0", "text/plain", 415),
        ("/nowhere", "1.0", "application/json", 404),
        ("/.well-known/agent-card.json", "1.0", "application/json", 405),
    ] {
        let request = client.post(format!("http://{}{path}", server.address)).body(much.clone());
        let request = request.header("a2a-version", version).header("content-type", content_type);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{path} {version} {content_type}");
    }
    drop(client);
    server.shutdown.cancel();
    server.done.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_body_that_nobody_asked_for_does_not_cost_the_connection() {
    let server = start(router(&Recorder::new()), Duration::ZERO).await;
    let body = "x".repeat(1024 * 1024);
    for line in ["DELETE /tasks/t1/pushNotificationConfigs/c1", "GET /tasks/t1"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head =
            format!("{line} HTTP/1.1\r\nhost: x\r\na2a-version: 1.0\r\ncontent-length: {}\r\n", body.len());
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
        let next = "GET /tasks/t1 HTTP/1.1\r\nhost: x\r\na2a-version: 1.0\r\nconnection: close\r\n\r\n";
        stream.write_all(next.as_bytes()).await.unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).await.unwrap();
        assert_eq!(answers.matches("HTTP/1.1 200").count(), 2, "{line}: {answers}");
    }
}

#[tokio::test]
async fn a_client_that_says_that_nothing_more_will_come_is_answered() {
    let server = start(router(&Recorder::new()), Duration::ZERO).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = "GET /tasks/t1 HTTP/1.1\r\nhost: x\r\na2a-version: 1.0\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_or_not_enough_is_let_go() {
    let server = start(router(&Recorder::new()), Duration::ZERO).await;
    for (said, patience) in
        [("", 10), ("PRI * HTTP", 10), ("GET /tasks/t1 HTTP/1.1\r\nhost: x\r\n", 75), ("POST", 75)]
    {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        let began = tokio::time::Instant::now();
        let mut rest = Vec::new();
        // Closed, or reset where something was left unread.
        let _ = stream.read_to_end(&mut rest).await;
        let waited = began.elapsed().as_secs();
        assert!((patience..patience + 2).contains(&waited), "{said:?} was let go after {waited} s");
    }
}

#[tokio::test]
async fn a_body_that_nobody_asked_for_does_not_cost_the_next_request() {
    let server = start(router(&Recorder::new()), Duration::ZERO).await;
    let large = "x".repeat(300_000);
    for body in ["{}", &large] {
        for (method, path) in [("GET", "/tasks/t1"), ("DELETE", "/tasks/t1/pushNotificationConfigs/c1")] {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\na2a-version: 1.0\r\n");
            let first = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
            let second = format!("{head}connection: close\r\n\r\n");
            stream.write_all(first.as_bytes()).await.unwrap();
            stream.write_all(second.as_bytes()).await.unwrap();
            let mut answers = String::new();
            stream.read_to_string(&mut answers).await.unwrap();
            assert_eq!(answers.matches("HTTP/1.1 200").count(), 2, "{method} {}: {answers}", body.len());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_http_2_peer_that_answers_no_ping_is_let_go() {
    let server = start(router(&Recorder::new()), Duration::ZERO).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // The preface, and settings without a setting.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
    let began = tokio::time::Instant::now();
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
    let waited = began.elapsed();
    assert!((Duration::from_secs(15)..Duration::from_secs(30)).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_given_up() {
    let router = router(&Recorder::new());
    for (path, content_type, status) in
        [("/", "application/json", 408), ("/message:send", "application/a2a+json", 408)]
    {
        let body = axum::body::Body::from_stream(futures::stream::pending::<std::io::Result<bytes::Bytes>>());
        let request = http::Request::post(path).version(http::Version::HTTP_2).header("a2a-version", "1.0");
        let request = request.header("content-type", content_type).body(body).unwrap();
        let began = tokio::time::Instant::now();
        let answer = super::wire::http(&router, request).await;
        assert_eq!((answer.status.as_u16(), began.elapsed().as_secs()), (status, 60), "{path}");
    }
}
