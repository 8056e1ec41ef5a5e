//! Clients that do what clients do, on whichever instance they happen to reach, and remember what they saw.

use std::rc::Rc;
use std::time::Duration;

use a2a::{
    A2AError, CancelTaskRequest, Message, Part, Role, SendMessageRequest, SendMessageResponse,
    StreamResponse, SubscribeToTaskRequest, Task,
};
use a2a_core::reduce;
use a2a_server::{RequestHandler, ServiceParams};
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::fleet::{Fleet, Node};

/// What one stream showed.
pub(crate) struct Seen {
    pub(crate) client: usize,
    pub(crate) events: Vec<StreamResponse>,
    pub(crate) end: End,
    pub(crate) until_task_ends: bool,
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The server ended it.
    Complete,
    /// The server ended it with an error, the connection broke, or the client left.
    Broken,
}

/// No weather lasts so long: a stream that says nothing for this time is parked, or broken.
const STALLED: Duration = Duration::from_secs(400);

/// One client: a task from its first message to the last.
pub(crate) async fn session(n: usize, fleet: Rc<Fleet>, mut rng: fastrand::Rng) -> Vec<Seen> {
    sleep(Duration::from_millis(rng.u64(0..10_000))).await;
    let mut seen = Vec::new();
    let text = opening(&mut rng);
    let mut request = request(&text, rng.u64(..));
    let mut task = None;
    for _ in 0..rng.usize(1..=3) {
        let sent = if rng.bool() {
            stream(n, &fleet, &mut rng, &request, &mut seen).await
        } else {
            send(n, &fleet, &mut rng, &request).await
        };
        task = sent.or(task);
        let Some(known) = &task else { return seen };
        for _ in 0..rng.usize(0..=2) {
            watch(n, &fleet, &mut rng, known, &mut seen).await;
        }
        if rng.u8(0..6) == 0 {
            cancel(n, &fleet, &mut rng, known).await;
        }
        let words = ["enough", "ask again", "quiet 3000", "stream 20 400"];
        request = self::request(words[rng.usize(0..words.len())], rng.u64(..));
        request.message.task_id = Some(known.id.clone());
    }
    seen
}

fn opening(rng: &mut fastrand::Rng) -> String {
    match rng.u8(0..10) {
        0 => "echo hello".to_owned(),
        1 => "ask".to_owned(),
        2 => format!("quiet {}", rng.u64(0..20_000)),
        3 => "message hi".to_owned(),
        4 => "unfinished".to_owned(),
        5 => format!("burst {}", rng.u64(1..300)),
        6 => "error no".to_owned(),
        _ => format!("stream {} {}", rng.u64(1..60), rng.u64(0..2_000)),
    }
}

fn request(text: &str, id: u64) -> SendMessageRequest {
    let message = Message {
        message_id: Uuid::from_u128(id.into()).to_string(),
        ..Message::new(Role::User, vec![Part::text(text)])
    };
    SendMessageRequest { message, configuration: None, metadata: None, tenant: None }
}

/// Sends until an instance answers; always the same message.
async fn send(
    n: usize,
    fleet: &Fleet,
    rng: &mut fastrand::Rng,
    request: &SendMessageRequest,
) -> Option<Task> {
    for _ in 0..8 {
        let call =
            async |node: &Node| node.handler.send_message(&ServiceParams::new(), request.clone()).await;
        match ask(fleet, rng, call).await {
            Some(Ok(SendMessageResponse::Task(task))) => {
                fleet.trace.note(format_args!("c{n} has {:?}", task.status.state));
                return Some(task);
            }
            Some(Ok(SendMessageResponse::Message(_))) => return None,
            Some(Err(error)) if is_final(&error) => {
                fleet.trace.note(format_args!("c{n} is refused: {}", error.code));
                return None;
            }
            Some(Err(_)) | None => sleep(Duration::from_millis(rng.u64(50..3_000))).await,
        }
    }
    None
}

/// Sends and reads the stream; sends again where it broke before its first event.
async fn stream(
    n: usize,
    fleet: &Fleet,
    rng: &mut fastrand::Rng,
    request: &SendMessageRequest,
    seen: &mut Vec<Seen>,
) -> Option<Task> {
    for _ in 0..8 {
        let Some(node) = fleet.node(rng.usize(0..fleet.size())) else {
            sleep(Duration::from_millis(500)).await;
            continue;
        };
        let params = ServiceParams::new();
        let opened = tokio::select! {
            biased;
            () = node.gone.cancelled() => continue,
            opened = timeout(
                patience(rng),
                node.handler.send_streaming_message(&params, request.clone()),
            ) => opened,
        };
        match opened {
            Ok(Ok(events)) => {
                let read = read(n, fleet, rng, &node, events, false).await;
                let first = read.events.first().cloned();
                seen.push(read);
                if let Some(StreamResponse::Task(task)) = first {
                    return Some(task);
                }
                if matches!(first, Some(StreamResponse::Message(_))) {
                    seen.pop();
                    return None;
                }
            }
            Ok(Err(error)) if is_final(&error) => return None,
            Ok(Err(_)) | Err(_) => {}
        }
        sleep(Duration::from_millis(rng.u64(50..3_000))).await;
    }
    None
}

/// Subscribes at some moment of a task's life.
async fn watch(n: usize, fleet: &Fleet, rng: &mut fastrand::Rng, task: &Task, seen: &mut Vec<Seen>) {
    sleep(Duration::from_millis(rng.u64(0..4_000))).await;
    let Some(node) = fleet.node(rng.usize(0..fleet.size())) else { return };
    let request = SubscribeToTaskRequest { id: task.id.clone(), tenant: None };
    let params = ServiceParams::new();
    let opened = tokio::select! {
        biased;
        () = node.gone.cancelled() => return,
        opened = timeout(Duration::from_secs(30), node.handler.subscribe_to_task(&params, request)) => opened,
    };
    if let Ok(Ok(events)) = opened {
        seen.push(read(n, fleet, rng, &node, events, true).await);
    }
}

/// Reads a stream, quickly or slowly, to its end or until the client loses interest.
async fn read(
    n: usize,
    fleet: &Fleet,
    rng: &mut fastrand::Rng,
    node: &Node,
    mut events: BoxStream<'static, Result<StreamResponse, A2AError>>,
    until_task_ends: bool,
) -> Seen {
    let patience = if rng.u8(0..4) == 0 { rng.usize(1..20) } else { usize::MAX };
    let pause = Duration::from_millis(if rng.u8(0..4) == 0 { rng.u64(1..3_000) } else { 0 });
    let mut seen = Seen { client: n, events: Vec::new(), end: End::Broken, until_task_ends };
    while seen.events.len() < patience {
        let next = tokio::select! {
            biased;
            () = node.gone.cancelled() => return seen,
            next = timeout(STALLED, events.next()) => next,
        };
        match next {
            Err(_)
                if seen
                    .events
                    .iter()
                    .rev()
                    .find_map(reduce::state_of)
                    .is_some_and(reduce::is_interrupted) =>
            {
                return seen;
            }
            // Invariant 4: streams of tasks that end, end.
            Err(_) => panic!("client {n}: a stream on n{} stalls after {:#?}", node.name, seen.events),
            Ok(Some(Ok(event))) => seen.events.push(event),
            Ok(Some(Err(_))) => return seen,
            Ok(None) => {
                fleet.trace.note(format_args!("c{n} read {} events on n{}", seen.events.len(), node.name));
                seen.end = End::Complete;
                return seen;
            }
        }
        // A parked task may stay so; its stream is open as long as a client likes.
        let parked = |event: &StreamResponse| reduce::state_of(event).is_some_and(reduce::is_interrupted);
        if until_task_ends && seen.events.last().is_some_and(parked) && rng.bool() {
            return seen;
        }
        if !pause.is_zero() {
            sleep(pause).await;
        }
    }
    seen
}

async fn cancel(n: usize, fleet: &Fleet, rng: &mut fastrand::Rng, task: &Task) {
    let request = CancelTaskRequest { id: task.id.clone(), metadata: None, tenant: None };
    let call = async |node: &Node| node.handler.cancel_task(&ServiceParams::new(), request.clone()).await;
    if let Some(answer) = ask(fleet, rng, call).await {
        let answer = answer.map(|task| task.status.state).map_err(|error| error.code);
        fleet.trace.note(format_args!("c{n} cancels: {answer:?}"));
    }
}

/// Calls some instance; `None` where the connection broke or the client lost patience.
async fn ask<T>(fleet: &Fleet, rng: &mut fastrand::Rng, call: impl AsyncFn(&Node) -> T) -> Option<T> {
    let node = fleet.node(rng.usize(0..fleet.size()))?;
    tokio::select! {
        biased;
        () = node.gone.cancelled() => None,
        answer = timeout(patience(rng), call(&node)) => answer.ok(),
    }
}

/// How long a client waits for an answer: some break off at any moment, in the middle of anything.
fn patience(rng: &mut fastrand::Rng) -> Duration {
    match rng.u8(0..6) {
        0 => Duration::from_micros(rng.u64(0..50_000)),
        _ => Duration::from_secs(60),
    }
}

/// Whether asking again cannot help.
fn is_final(error: &A2AError) -> bool {
    a2a_cluster::bindings::unavailable::retry_after(error).is_none()
}
