//! Clients that send short tasks and open streams all the time, by every binding, and note what goes wrong for them:
//! nothing may, whatever becomes of single instances behind their load balancer.

use std::pin::Pin;
use std::time::Duration;

use a2a::{A2AError, AgentCard, StreamResponse, TaskState, error_code};
use futures::{Stream, StreamExt, TryStreamExt};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::client::{Client, connect};
use crate::sockets::Binding;
use crate::world::{at_once, expect_task, identified, last_state, state, subscribe};

/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two requests of a client: each of them takes a connection of the load balancer's.
const PAUSE: Duration = Duration::from_millis(20);
/// A task that ends at once.
const SHORT: &str = "echo hello";
/// What tonic says of a call that it never sent: its connection was given to somebody who was told to leave.
const UNSENT: [&str; 2] = ["-32603 operation was canceled", "-32603 h2 protocol error: http2 error"];
/// A task that takes a second, in the words of the scripted agent and of the node's own.
const STREAM: &str = "stream 20 50";

/// Some clients at work, each with one thing that it does again and again.
#[derive(Debug)]
pub struct SteadyLoad {
    clients: JoinSet<Experience>,
    enough: CancellationToken,
}

/// What clients met.
#[derive(Debug, Default)]
pub struct Experience {
    /// Tasks that clients were told of, whatever became of them.
    pub tasks: usize,
    /// Messages that were answered with their finished task.
    pub sends: usize,
    /// Streams of messages, and of tasks that were begun elsewhere perhaps, that had their task's end.
    pub streams: usize,
    /// Calls that a client's own library gave up before they were sent, because their connection was just ending. gRPC's
    /// clients send such a call again by themselves, but tonic's does not. No task comes of one.
    pub unsent: usize,
    /// All that was refused, reset or cut short, in words.
    pub wrong: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
enum Work {
    /// Sends a message and waits for its task.
    Send,
    /// Sends a message and reads its stream.
    Stream,
    /// Begins a task, and subscribes to it by a request of its own.
    Watch,
}

impl SteadyLoad {
    /// Begins, with a client for each binding and kind of work.
    ///
    /// # Panics
    ///
    /// When a card leads nowhere.
    pub async fn begin(card: &AgentCard) -> Self {
        let (mut clients, enough) = (JoinSet::new(), CancellationToken::new());
        for binding in Binding::ALL {
            for work in [Work::Send, Work::Stream, Work::Watch] {
                let (client, enough) = (connect(card, binding, None).await.unwrap(), enough.clone());
                clients.spawn(async move { visit(client, binding, work, enough).await });
            }
        }
        SteadyLoad { clients, enough }
    }

    /// Lets each client finish what it does, and returns what all of them met.
    ///
    /// # Panics
    ///
    /// When a client panicked.
    pub async fn end(mut self) -> Experience {
        self.enough.cancel();
        let mut all = Experience::default();
        while let Some(one) = self.clients.join_next().await {
            let Experience { tasks, sends, streams, unsent, wrong } = one.unwrap();
            all.tasks += tasks;
            all.sends += sends;
            all.streams += streams;
            all.unsent += unsent;
            all.wrong.extend(wrong);
        }
        all
    }
}

async fn visit(client: Client, binding: Binding, work: Work, enough: CancellationToken) -> Experience {
    let mut met = Experience::default();
    while enough.run_until_cancelled(sleep(PAUSE)).await.is_some() {
        match timeout(PATIENCE, once(&client, work, &mut met.tasks)).await {
            Ok(Ok(())) => match work {
                Work::Send => met.sends += 1,
                Work::Stream | Work::Watch => met.streams += 1,
            },
            Ok(Err(why)) if UNSENT.contains(&&*why) => met.unsent += 1,
            Ok(Err(why)) => met.wrong.push(format!("{binding:?} {work:?}: {why}")),
            Err(_) => met.wrong.push(format!("{binding:?} {work:?}: hangs")),
        }
    }
    met
}

/// Does one piece of work, and counts its task once that is known.
async fn once(client: &Client, work: Work, tasks: &mut usize) -> Result<(), String> {
    let completed = |state| match state {
        Some(TaskState::Completed) => Ok(()),
        other => Err(format!("the task is {other:?} in the end")),
    };
    match work {
        Work::Send => {
            let answer = client.send_message(&identified(SHORT)).await.map_err(words)?;
            *tasks += 1;
            completed(Some(state(&expect_task(answer))))
        }
        Work::Stream => {
            let mut events =
                client.send_streaming_message(&identified(STREAM)).await.map_err(words)?.peekable();
            *tasks += usize::from(matches!(Pin::new(&mut events).peek().await, Some(Ok(_))));
            completed(last_state(&all(events).await?))
        }
        Work::Watch => {
            let mut request = identified(STREAM);
            request.configuration = at_once();
            let task = expect_task(client.send_message(&request).await.map_err(words)?);
            *tasks += 1;
            match client.subscribe_to_task(&subscribe(&task.id)).await {
                Ok(events) => match all(events).await {
                    Ok(events) => completed(last_state(&events)),
                    Err(why) => Err(format!("{why}, of {}", task.id)),
                },
                // The task was quicker.
                Err(error) if error.code == error_code::UNSUPPORTED_OPERATION => Ok(()),
                Err(error) => Err(words(error)),
            }
        }
    }
}

async fn all(
    events: impl Stream<Item = Result<StreamResponse, A2AError>>,
) -> Result<Vec<StreamResponse>, String> {
    events.try_collect().await.map_err(|error| format!("a stream broke: {}", words(error)))
}

fn words(error: A2AError) -> String {
    format!("{} {}", error.code, error.message)
}
