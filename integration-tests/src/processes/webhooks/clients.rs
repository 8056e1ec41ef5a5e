//! Clients that have tasks going on all the time, each with a webhook: long and short streams, and tasks that are parked
//! and continued. They send again what an instance died over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use a2a::{A2AError, AgentCard, SendMessageConfiguration, SendMessageRequest, Task, TaskState};
use a2a_core::{Env, SystemEnv, reduce};
use a2a_testworld::client::connect;
use a2a_testworld::world::{configuration, expect_task, follow_up, get, identified};
use a2a_testworld::{Binding, Client};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::hook::Hook;

/// What takes longer hangs: a task may lose its executor again and again.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two requests of a client that waits for something.
const PAUSE: Duration = Duration::from_millis(200);
/// What the client of a parked task says in the end.
const REPLY: &str = "a reply";

/// What one client does again and again.
#[derive(Debug, Clone, Copy)]
struct Work {
    /// What it asks the node's agent for.
    text: &'static str,
    /// Whether its webhook takes its time, so that more waits than one event.
    is_slow: bool,
}

/// Two streams outlast several kills.
const WORK: [Work; 7] = [
    Work { text: "stream 150 50", is_slow: false },
    Work { text: "stream 150 50", is_slow: true },
    Work { text: "stream 40 50", is_slow: false },
    Work { text: "stream 40 50", is_slow: true },
    Work { text: "stream 5 30", is_slow: false },
    Work { text: "ask", is_slow: false },
    Work { text: "ask", is_slow: true },
];

/// Clients at work.
#[derive(Debug)]
pub(super) struct Clients {
    clients: JoinSet<Result<(), String>>,
    begun: Arc<watch::Sender<Vec<String>>>,
    enough: CancellationToken,
}

/// What they have done.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) tasks: Vec<String>,
    /// All that must not be, in words.
    pub(super) wrong: Vec<String>,
}

impl Clients {
    pub(super) async fn begin(card: &AgentCard, hook: &Arc<Hook>) -> Self {
        let (mut clients, begun) = (JoinSet::new(), Arc::new(watch::Sender::new(Vec::new())));
        let enough = CancellationToken::new();
        for (work, binding) in WORK.into_iter().zip(Binding::ALL.into_iter().cycle()) {
            let client = connect(card, binding, None).await.unwrap();
            let (hook, begun, enough) = (Arc::clone(hook), Arc::clone(&begun), enough.clone());
            clients.spawn(async move {
                while !enough.is_cancelled() {
                    once(&client, work, &hook, &begun).await?;
                }
                Ok(())
            });
        }
        begun.subscribe().wait_for(|tasks| tasks.len() >= WORK.len()).await.expect("the tasks did not begin");
        Clients { clients, begun, enough }
    }

    /// Lets each client finish what it does.
    pub(super) async fn end(mut self) -> Done {
        self.enough.cancel();
        let mut wrong = Vec::new();
        while let Some(client) = self.clients.join_next().await {
            wrong.extend(client.unwrap().err());
        }
        Done { tasks: self.begun.borrow().clone(), wrong }
    }
}

/// Begins a task, and sees it to its end.
async fn once(
    client: &Client,
    work: Work,
    hook: &Hook,
    begun: &watch::Sender<Vec<String>>,
) -> Result<(), String> {
    let config = if work.is_slow { hook.slow_config("") } else { hook.config("") };
    let at_once = SendMessageConfiguration {
        task_push_notification_config: Some(config),
        return_immediately: Some(true),
        ..configuration()
    };
    let request = SendMessageRequest { configuration: Some(at_once), ..identified(work.text) };
    let mut task = send(client, &request).await?;
    begun.send_modify(|tasks| tasks.push(task.id.clone()));
    task = turn_of(client, task, reduce::ends_turn).await?;
    if task.status.state == TaskState::InputRequired {
        sleep(PAUSE).await;
        let at_once = SendMessageConfiguration { return_immediately: Some(true), ..configuration() };
        let mut request = SendMessageRequest { configuration: Some(at_once), ..follow_up(&task, REPLY) };
        request.message.message_id = SystemEnv.uuid().to_string();
        task = send(client, &request).await?;
        task = turn_of(client, task, TaskState::is_terminal).await?;
    }
    match task.status.state {
        TaskState::Completed => Ok(()),
        state => Err(format!("{} is {state:?}, although it can be resumed", task.id)),
    }
}

/// Reads a task until its turn has ended.
async fn turn_of(client: &Client, mut task: Task, ended: fn(&TaskState) -> bool) -> Result<Task, String> {
    let until = Instant::now() + PATIENCE;
    while !ended(&task.status.state) {
        if Instant::now() > until {
            return Err(format!("{} is left {:?}", task.id, task.status.state));
        }
        sleep(PAUSE).await;
        task = read(client, &task.id).await?;
    }
    Ok(task)
}

async fn send(client: &Client, request: &SendMessageRequest) -> Result<Task, String> {
    answered("a message", || client.send_message(request)).await.map(expect_task)
}

/// Reads a task.
pub(super) async fn read(client: &Client, task: &str) -> Result<Task, String> {
    let request = get(task);
    answered(task, || client.get_task(&request)).await
}

/// Asks until somebody answers. Where nobody does, tells all that was said instead, and how often.
async fn answered<T, F>(what: &str, mut ask: impl FnMut() -> F) -> Result<T, String>
where
    F: Future<Output = Result<T, A2AError>>,
{
    let until = Instant::now() + PATIENCE;
    let mut said = BTreeMap::new();
    while Instant::now() < until {
        let why = match timeout_at(until, ask()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => format!("{} {}", error.code, error.message),
            Err(_) => "it hangs".to_owned(),
        };
        *said.entry(why).or_insert(0) += 1;
        sleep(PAUSE).await;
    }
    Err(format!("{what} is not answered: {said:?}"))
}
