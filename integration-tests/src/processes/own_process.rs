//! A process of [`own_server`](crate::own_server), and clients that keep it busy.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use a2a::{A2AError, SendMessageRequest, StreamResponse};
use a2a_client::ServiceParams;
use a2a_client::middleware::CallInterceptor;
use a2a_testworld::client::{card_at, connect, http};
use a2a_testworld::world::{configuration, identified};
use a2a_testworld::{Binding, Client};
use async_trait::async_trait;
use futures::StreamExt;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::process::{Launch, Process};
use super::process_log::ProcessLog;
use super::resources::Resources;
use crate::hook::Hook;
use crate::own_server::{CALLER, CALLER_HEADER};

const STARTS_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Somebody else may take a port between our look and the server's start.
const ATTEMPTS: usize = 3;
/// What each client asks for again and again: a stream of two seconds.
const STREAM: &str = "stream 40 50";

/// How to start such processes.
#[derive(Debug, Clone)]
pub(super) struct OwnServer {
    launch: Launch,
}

/// A process that is ready.
#[derive(Debug)]
pub(super) struct OwnProcess {
    process: Process,
    url: String,
}

impl OwnServer {
    /// The program must serve where its only argument is a port.
    pub(super) fn new(program: PathBuf, resources: &Resources) -> Self {
        let launch = Launch { program, environment: resources.environment(), arguments: Vec::new() };
        OwnServer { launch }
    }

    /// Starts a process; it may be long before it is ready.
    pub(super) fn spawn(&self, name: &str) -> (Process, String) {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let launch = Launch { arguments: vec![port.to_string()], ..self.launch.clone() };
        let (process, _) = launch.spawn(name).unwrap_or_else(|why| panic!("{why}"));
        (process, format!("http://127.0.0.1:{port}"))
    }

    /// Starts a process and waits until it is ready, and hears of others by the bus.
    pub(super) async fn start(&self, name: &str) -> OwnProcess {
        let mut words = String::new();
        for _ in 0..ATTEMPTS {
            let (process, url) = self.spawn(name);
            let ready = tokio::select! {
                ready = timeout(STARTS_WITHIN, ready(&url)) => ready.is_ok(),
                () = process.log().closed() => false,
            };
            if ready {
                return OwnProcess { process, url };
            }
            words = process.kill().await.tail();
        }
        panic!("{name} does not serve; its last words:\n{words}");
    }
}

/// Waits until an instance takes requests, and there is nothing that it lacks.
async fn ready(url: &str) {
    let client = http();
    let whole = async || {
        let answer = client.get(format!("{url}/readyz")).send().await.ok()?.error_for_status().ok()?;
        Some(answer.text().await.ok()?.trim() == "ready")
    };
    while whole().await != Some(true) {
        sleep(LOOK_EVERY).await;
    }
}

impl OwnProcess {
    /// Begins to send messages to it by every binding, and waits until the first stream of each of them has begun.
    pub(super) async fn busy(&self, hook: &Arc<Hook>) -> Load {
        let card = card_at(&self.url).await;
        let (mut clients, begun) = (JoinSet::new(), watch::Sender::new(Vec::new()));
        for binding in Binding::ALL {
            let client = connect(&card, binding, Some(Arc::new(Named))).await.unwrap();
            let (hook, begun) = (Arc::clone(hook), begun.clone());
            clients.spawn(async move { while hear(&client, &hook, &begun).await.is_ok() {} });
        }
        let each = begun.subscribe().wait_for(|tasks| tasks.len() >= Binding::ALL.len()).await.map(drop);
        each.unwrap();
        Load { clients, begun }
    }

    /// Kills it.
    pub(super) async fn kill(self) -> ProcessLog {
        self.process.kill().await
    }

    /// Asks it to end, and waits until it has.
    pub(super) async fn retire(self, patience: Duration) -> Result<(), String> {
        self.process.terminate();
        let (status, log) = self.process.ended(patience).await?;
        if status.success() { Ok(()) } else { Err(format!("ended with {status}:\n{}", log.tail())) }
    }
}

impl Deref for OwnProcess {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

/// Clients that send messages until they are refused, or the process is gone.
#[derive(Debug)]
pub(super) struct Load {
    clients: JoinSet<()>,
    begun: watch::Sender<Vec<String>>,
}

impl Load {
    /// Waits for the clients of a process that is gone, and returns the tasks that they began.
    pub(super) async fn end(mut self) -> Vec<String> {
        while let Some(client) = self.clients.join_next().await {
            client.unwrap();
        }
        self.begun.borrow().clone()
    }
}

/// Sends a message with a webhook, and reads its stream to the end.
async fn hear(client: &Client, hook: &Hook, begun: &watch::Sender<Vec<String>>) -> Result<(), A2AError> {
    let mut configuration = configuration();
    configuration.task_push_notification_config = Some(hook.config(""));
    let request = SendMessageRequest { configuration: Some(configuration), ..identified(STREAM) };
    let mut events = client.send_streaming_message(&request).await?;
    while let Some(event) = events.next().await {
        if let StreamResponse::Task(task) = event? {
            begun.send_modify(|tasks| tasks.push(task.id));
        }
    }
    Ok(())
}

/// Says who calls, as a gateway does.
struct Named;

#[async_trait]
impl CallInterceptor for Named {
    async fn before(&self, _: &str, params: &mut ServiceParams) -> Result<(), A2AError> {
        params.insert(CALLER_HEADER.to_owned(), vec![CALLER.to_owned()]);
        Ok(())
    }
}
