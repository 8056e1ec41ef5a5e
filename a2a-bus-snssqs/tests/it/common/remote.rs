//! A bus in a process of its own: the parent's handle on it, and what the child does.
//!
//! Lines of JSON go both ways. The child hands over all that its endpoints receive at once; the parent keeps it.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use a2a_bus_snssqs::SnsSqsBus;
use a2a_core::wire::Seal;
use a2a_core::{
    BackendError, BusMessage, CommitRecord, Delivery, Endpoint, EventBus, InstanceId, News, Reach, Recipient,
    Result,
};
use a2a_testaws::{Account, Service};
use a2a_testkit::async_trait;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Stdout};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::task::TaskTracker;

use super::tap::Tap;
use super::{Site, clients, seal};

const ROLE: &str = "A2A_BUS_TEST_CHILD";
const TEST: &str = "across_processes::serves_a_bus_when_started_by_another_process";

/// The parent's side of the pipe.
#[derive(Debug)]
struct Pipe {
    lines: mpsc::UnboundedSender<String>,
    answers: Mutex<BTreeMap<u64, oneshot::Sender<Value>>>,
    /// Where each endpoint's messages go.
    readers: Mutex<BTreeMap<u64, mpsc::UnboundedSender<BusMessage>>>,
    next: AtomicU64,
}

impl Pipe {
    async fn ask(&self, mut request: Value) -> Result<Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        self.answers.lock().unwrap().insert(id, sender);
        request["id"] = id.into();
        self.lines.send(request.to_string()).unwrap();
        let answer = answer.await.expect("the child ended without an answer");
        match answer.get("error").and_then(Value::as_str) {
            None => Ok(answer),
            Some("closed") => Err(BackendError::Closed),
            Some(other) => Err(BackendError::Unavailable(other.into())),
        }
    }
}

/// The parent's handle on the child's bus.
#[derive(Debug)]
pub(crate) struct RemoteBus {
    pipe: Arc<Pipe>,
    _child: Child,
    _tasks: TaskTracker,
}

impl RemoteBus {
    pub(crate) async fn open(site: &Site) -> Self {
        let role = json!({
            "topic": site.topic.to_string(),
            "key": site.account.access_key(),
            "sns": site.account.sdk_config(Service::Sns).endpoint_url(),
            "sqs": site.account.sdk_config(Service::Sqs).endpoint_url(),
        });
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", TEST, "--nocapture", "--quiet"])
            .env(ROLE, role.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        while said.next_line().await.unwrap().expect("the child ended before it was ready") != "ready" {}
        let (lines, to_child) = mpsc::unbounded_channel();
        let pipe = Arc::new(Pipe {
            lines,
            answers: Mutex::default(),
            readers: Mutex::default(),
            next: AtomicU64::new(0),
        });
        let tasks = TaskTracker::new();
        tasks.spawn(write(to_child, child.stdin.take().unwrap()));
        tasks.spawn(read(said, Arc::clone(&pipe)));
        RemoteBus { pipe, _child: child, _tasks: tasks }
    }
}

async fn write(mut lines: mpsc::UnboundedReceiver<String>, mut child: ChildStdin) {
    while let Some(line) = lines.recv().await {
        child.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }
}

async fn read(mut lines: tokio::io::Lines<BufReader<ChildStdout>>, pipe: Arc<Pipe>) {
    while let Ok(Some(line)) = lines.next_line().await {
        // The test runner in the child has something to say, too.
        let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
        if let Some(id) = line.get("id").and_then(Value::as_u64) {
            let asked = pipe.answers.lock().unwrap().remove(&id);
            asked.into_iter().for_each(|asked| drop(asked.send(line.clone())));
        } else if let Some(number) = line.get("endpoint").and_then(Value::as_u64) {
            let readers = pipe.readers.lock().unwrap();
            readers.get(&number).into_iter().for_each(|reader| drop(reader.send(message_from(&line))));
        }
    }
}

#[async_trait]
impl EventBus for RemoteBus {
    async fn connect(&self, me: &InstanceId, _: &Arc<Seal>) -> Result<Arc<dyn Endpoint>> {
        let number = self.pipe.next.fetch_add(1, Ordering::Relaxed);
        let (sender, received) = mpsc::unbounded_channel();
        self.pipe.readers.lock().unwrap().insert(number, sender);
        let answer = self.pipe.ask(json!({ "do": "connect", "me": me, "endpoint": number })).await?;
        Ok(Arc::new(RemoteEndpoint {
            me: *me,
            number,
            reach: serde_json::from_value(answer["reach"].clone()).unwrap(),
            pipe: Arc::clone(&self.pipe),
            received: tokio::sync::Mutex::new(received),
            closed: AtomicBool::new(false),
            woken_by_close: Notify::new(),
        }))
    }

    async fn release(&self, gone: &InstanceId) -> Result<()> {
        self.pipe.ask(json!({ "do": "release", "gone": gone })).await.map(drop)
    }
}

/// The parent's handle on an endpoint of the child's.
#[derive(Debug)]
struct RemoteEndpoint {
    me: InstanceId,
    number: u64,
    reach: Reach,
    pipe: Arc<Pipe>,
    received: tokio::sync::Mutex<mpsc::UnboundedReceiver<BusMessage>>,
    closed: AtomicBool,
    woken_by_close: Notify,
}

#[async_trait]
impl Endpoint for RemoteEndpoint {
    fn me(&self) -> InstanceId {
        self.me
    }

    fn reach(&self) -> Reach {
        if self.closed.load(Ordering::Relaxed) { Reach::Nowhere } else { self.reach }
    }

    async fn send(&self, to: &[Recipient], message: &BusMessage) -> Result<Delivery> {
        let to: Vec<_> = to.iter().map(|to| json!({ "instance": to.instance, "reach": to.reach })).collect();
        let message = message_to(message);
        let request = json!({ "do": "send", "endpoint": self.number, "to": to, "message": message });
        let answer = self.pipe.ask(request).await?;
        Ok(Delivery { gone: serde_json::from_value(answer["gone"].clone()).unwrap() })
    }

    async fn receive(&self) -> Result<Vec<BusMessage>> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(BackendError::Closed);
        }
        let mut received = self.received.lock().await;
        let first = tokio::select! {
            biased;
            () = self.woken_by_close.notified() => None,
            first = received.recv() => first,
        };
        let mut messages = vec![first.ok_or(BackendError::Closed)?];
        while let Ok(message) = received.try_recv() {
            messages.push(message);
        }
        Ok(messages)
    }

    async fn close(&self) -> Result<()> {
        self.pipe.ask(json!({ "do": "close", "endpoint": self.number })).await?;
        self.closed.store(true, Ordering::Relaxed);
        self.woken_by_close.notify_one();
        Ok(())
    }
}

impl Drop for RemoteEndpoint {
    fn drop(&mut self) {
        let _ = self.pipe.lines.send(json!({ "do": "drop", "endpoint": self.number }).to_string());
    }
}

/// What the child has.
struct Served {
    bus: SnsSqsBus,
    endpoints: Mutex<BTreeMap<u64, Arc<dyn Endpoint>>>,
    out: tokio::sync::Mutex<Stdout>,
    tasks: TaskTracker,
}

/// The child's part: does as it is told until its input ends.
pub(crate) async fn serve() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let role: Value = serde_json::from_str(&role).unwrap();
    let text = |name: &str| role[name].as_str().unwrap().to_owned();
    let account = Account::at(text("sns"), text("sqs"), text("key"));
    let served = Arc::new(Served {
        bus: SnsSqsBus::with_clients(clients(&account, &Tap::default()), text("topic")).unwrap(),
        endpoints: Mutex::default(),
        out: tokio::sync::Mutex::new(tokio::io::stdout()),
        tasks: TaskTracker::new(),
    });
    served.say("\nready".to_owned()).await;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        let request: Value = serde_json::from_str(&line).unwrap();
        if request["do"] == "drop" {
            served.endpoints.lock().unwrap().remove(&request["endpoint"].as_u64().unwrap());
        } else {
            served.tasks.spawn(Arc::clone(&served).answer(request));
        }
    }
}

impl Served {
    async fn answer(self: Arc<Self>, request: Value) {
        let mut answer = match self.perform(&request).await {
            Ok(answer) => answer,
            Err(BackendError::Closed) => json!({ "error": "closed" }),
            Err(error) => json!({ "error": format!("{error:?}") }),
        };
        answer["id"] = request["id"].clone();
        self.say(answer.to_string()).await;
    }

    async fn perform(self: &Arc<Self>, request: &Value) -> Result<Value> {
        let number = request["endpoint"].as_u64();
        let endpoint = || Arc::clone(&self.endpoints.lock().unwrap()[&number.unwrap()]);
        match request["do"].as_str().unwrap() {
            "connect" => {
                let me = serde_json::from_value(request["me"].clone()).unwrap();
                let endpoint = self.bus.connect(&me, &seal()).await?;
                let number = number.unwrap();
                self.endpoints.lock().unwrap().insert(number, Arc::clone(&endpoint));
                let reach = endpoint.reach();
                self.tasks.spawn(Arc::clone(self).hand_over(number, endpoint));
                Ok(json!({ "reach": reach }))
            }
            "release" => {
                let gone = serde_json::from_value(request["gone"].clone()).unwrap();
                self.bus.release(&gone).await?;
                Ok(json!({}))
            }
            "send" => {
                let recipient = |to: &Value| Recipient {
                    instance: serde_json::from_value(to["instance"].clone()).unwrap(),
                    reach: serde_json::from_value(to["reach"].clone()).unwrap(),
                };
                let to: Vec<_> = request["to"].as_array().unwrap().iter().map(recipient).collect();
                let delivery = endpoint().send(&to, &message_from(&request["message"])).await?;
                Ok(json!({ "gone": delivery.gone }))
            }
            _ => {
                endpoint().close().await?;
                Ok(json!({}))
            }
        }
    }

    async fn hand_over(self: Arc<Self>, number: u64, endpoint: Arc<dyn Endpoint>) {
        let weak = Arc::downgrade(&endpoint);
        drop(endpoint);
        // Held while it receives only, so that dropping it in the parent drops it here, if not at once.
        while let Some(endpoint) = weak.upgrade() {
            match tokio::time::timeout(std::time::Duration::from_millis(50), endpoint.receive()).await {
                Ok(Ok(messages)) => {
                    for message in messages {
                        let mut line = message_to(&message);
                        line["endpoint"] = number.into();
                        self.say(line.to_string()).await;
                    }
                }
                Ok(Err(BackendError::Closed)) => return,
                Ok(Err(_)) | Err(_) => {}
            }
        }
    }

    /// Whether the parent still listens is its own affair.
    async fn say(&self, line: String) {
        let mut out = self.out.lock().await;
        let _ = out.write_all(format!("{line}\n").as_bytes()).await;
        let _ = out.flush().await;
    }
}

/// The whole of a message, of any size, as the bus's own wire form is not.
fn message_to(message: &BusMessage) -> Value {
    let says = match &message.news {
        News::Commits(commits) => json!(commits.iter().map(|one| json!(**one)).collect::<Vec<_>>()),
        News::Changed(version) => json!(version),
        News::Watch { after, reach } => json!([after, reach]),
        News::Cancel(key, request) => json!([key, request.as_deref()]),
        News::Cancelling(key) | News::CancelRefused(key) => json!(key),
        _ => Value::Null,
    };
    json!({
        "from": message.from, "task": message.task, "kind": message.news.kind(), "says": says, "trace": message.trace,
    })
}

fn message_from(value: &Value) -> BusMessage {
    let says = value["says"].clone();
    let news = match value["kind"].as_str().unwrap() {
        "commits" => {
            let commits: Vec<CommitRecord> = serde_json::from_value(says).unwrap();
            News::Commits(commits.into_iter().map(Arc::new).collect())
        }
        "changed" => News::Changed(serde_json::from_value(says).unwrap()),
        "watch" => {
            let (after, reach) = serde_json::from_value(says).unwrap();
            News::Watch { after, reach }
        }
        "unwatch" => News::Unwatch,
        "cancel" => {
            let (key, request) = serde_json::from_value(says).unwrap();
            News::Cancel(key, request)
        }
        "cancelling" => News::Cancelling(serde_json::from_value(says).unwrap()),
        "cancelRefused" => News::CancelRefused(serde_json::from_value(says).unwrap()),
        "configs" => News::Configs,
        "handOver" => News::HandOver,
        unknown => panic!("teach this test to carry {unknown:?}"),
    };
    BusMessage {
        from: serde_json::from_value(value["from"].clone()).unwrap(),
        task: serde_json::from_value(value["task"].clone()).unwrap(),
        news,
        trace: serde_json::from_value(value["trace"].clone()).unwrap(),
    }
}
