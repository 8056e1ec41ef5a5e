//! Clients that do what clients do, on whichever instance they happen to reach, and remember what they saw.

use std::rc::Rc;
use std::time::Duration;

use a2a::{
    A2AError, CancelTaskRequest, Message, Part, Role, SendMessageConfiguration, SendMessageRequest,
    SendMessageResponse, StreamResponse, SubscribeToTaskRequest, Task,
};
use a2a_core::reduce;
use a2a_server::{RequestHandler, ServiceParams};
use futures::StreamExt;
use futures::future::{join, join_all};
use futures::stream::BoxStream;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::Plan;
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

/// One client: a task from its first message to the last, and several things at once.
pub(crate) async fn session(n: usize, fleet: Rc<Fleet>, mut rng: fastrand::Rng) -> Vec<Seen> {
    sleep(Duration::from_millis(rng.u64(0..10_000))).await;
    let mut seen = Vec::new();
    let mut request = request(&opening(&mut rng, fleet.plan), &mut rng);
    let mut task = None;
    for _ in 0..rng.usize(1..=3) {
        // Who hedges sends the same message twice at once; meanwhile others do what they like to the task.
        let copies = if rng.u8(0..4) == 0 { 2 } else { 1 };
        let tellers = (0..copies).map(|_| tell(n, &fleet, rng.fork(), &request)).collect::<Vec<_>>();
        let others = task.iter().flat_map(|task| {
            (0..rng.usize(0..=3)).map(|_| aside(n, &fleet, rng.fork(), task)).collect::<Vec<_>>()
        });
        let others = others.collect::<Vec<_>>();
        let (told, others) = join(join_all(tellers), join_all(others)).await;
        let mut sent = None;
        for (answer, read) in told {
            sent = sent.or(answer);
            seen.extend(read);
        }
        seen.extend(others.into_iter().flatten());
        task = sent.or(task);
        let Some(known) = &task else { return seen };
        for _ in 0..rng.usize(0..=2) {
            watch(n, &fleet, &mut rng, known, &mut seen).await;
        }
        if rng.u8(0..6) == 0 {
            cancel(n, &fleet, &mut rng, known).await;
        }
        request = follow_up(&mut rng, known);
    }
    seen
}

/// Sends a message in one of the two ways.
async fn tell(
    n: usize,
    fleet: &Fleet,
    mut rng: fastrand::Rng,
    request: &SendMessageRequest,
) -> (Option<Task>, Vec<Seen>) {
    let mut seen = Vec::new();
    let answer = if rng.bool() {
        stream(n, fleet, &mut rng, request, &mut seen).await
    } else {
        send(n, fleet, &mut rng, request).await
    };
    (answer, seen)
}

/// What else is done to a task while its client sends something.
async fn aside(n: usize, fleet: &Fleet, mut rng: fastrand::Rng, task: &Task) -> Vec<Seen> {
    sleep(Duration::from_millis(rng.u64(0..2_000))).await;
    let mut seen = Vec::new();
    match rng.u8(0..8) {
        0 => cancel(n, fleet, &mut rng, task).await,
        1 | 2 => {
            let request = follow_up(&mut rng, task);
            let own = rng.fork();
            seen = tell(n, fleet, own, &request).await.1;
        }
        _ => watch(n, fleet, &mut rng, task, &mut seen).await,
    }
    seen
}

fn follow_up(rng: &mut fastrand::Rng, task: &Task) -> SendMessageRequest {
    let words = ["enough", "ask again", "quiet 3000", "stream 20 400", "do ask; sleep 2000; say more; done"];
    let mut request = request(words[rng.usize(0..words.len())], rng);
    request.message.task_id = Some(task.id.clone());
    request
}

fn opening(rng: &mut fastrand::Rng, plan: Plan) -> String {
    match rng.u8(0..18) {
        0 => "echo hello".to_owned(),
        1 => "ask".to_owned(),
        2 => format!("quiet {}", rng.u64(0..20_000)),
        3 => "message hi".to_owned(),
        4 => "work".to_owned(),
        5 => format!("burst {}", rng.u64(1..300)),
        6 => "unsupported no".to_owned(),
        7 => format!("do work; sleep {}; burst {}; done", rng.u64(0..40_000), rng.u64(1..200)),
        8 => format!("do ask; sleep {}; say more; done", rng.u64(0..3_000)),
        9 => format!("do work; talk {} {}; done / refuse", rng.u64(1..60), rng.u64(0..300)),
        10 => format!("do show {} 300; done", rng.u64(1..6)),
        11 => "do work; say half; panic".to_owned(),
        12 => "do bomb; work; say all; done".to_owned(),
        13 if !plan.calm => "do work; hang".to_owned(),
        _ => format!("stream {} {}", rng.u64(1..60), rng.u64(0..2_000)),
    }
}

fn request(text: &str, rng: &mut fastrand::Rng) -> SendMessageRequest {
    let message = Message {
        message_id: Uuid::from_u128(rng.u64(..).into()).to_string(),
        ..Message::new(Role::User, vec![Part::text(text)])
    };
    let configuration = (rng.u8(0..5) == 0).then_some(SendMessageConfiguration {
        accepted_output_modes: None,
        task_push_notification_config: None,
        history_length: None,
        return_immediately: Some(true),
    });
    SendMessageRequest { message, configuration, metadata: None, tenant: None }
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
            Some(Err(error)) if is_final(fleet, &error) => {
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
            Ok(Err(error)) if is_final(fleet, &error) => return None,
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
            Ok(Some(Err(error))) => {
                is_final(fleet, &error);
                return seen;
            }
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
        if let Err(error) = &answer {
            is_final(fleet, error);
        }
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

/// Whether asking again cannot help. What can be asked again is counted.
fn is_final(fleet: &Fleet, error: &A2AError) -> bool {
    let is_final = a2a_cluster::bindings::unavailable::retry_after(error).is_none();
    fleet.refusals.set(fleet.refusals.get() + usize::from(!is_final));
    is_final
}
