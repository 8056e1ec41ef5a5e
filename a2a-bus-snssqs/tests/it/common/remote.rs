//! An endpoint in a process of its own: the parent's handle on it, and what the child does.
//!
//! Lines of JSON go both ways. The child hands over all that it receives at once; the parent keeps it.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use a2a_bus_snssqs::{Config, Deployment, SnsSqsBus};
use a2a_core::{
    BackendError, BusMessage, CommitRecord, Delivery, EventBus, InstanceId, News, Result, SystemEnv,
};
use a2a_testkit::async_trait;
use integration_tests::endpoint::{Account, Service};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Stdout};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::task::TaskTracker;

use super::tap::Tap;
use super::{Site, clients};

const ROLE: &str = "A2A_BUS_TEST_CHILD";
/// The test that a child runs, which calls [`serve`].
const TEST: &str = "across_processes::serves_an_endpoint_when_started_by_another_process";

type Answers = Arc<std::sync::Mutex<BTreeMap<u64, oneshot::Sender<Value>>>>;

/// The parent's handle.
#[derive(Debug)]
pub(crate) struct RemoteBus {
    me: InstanceId,
    stdin: Mutex<ChildStdin>,
    answers: Answers,
    received: Mutex<mpsc::UnboundedReceiver<BusMessage>>,
    next: AtomicU64,
    closed: AtomicBool,
    woken_by_close: tokio::sync::Notify,
    _child: Child,
    _tasks: TaskTracker,
}

impl RemoteBus {
    pub(crate) async fn open(site: &Site) -> Self {
        let role = json!({
            "topic": site.deployment.topic().to_string(),
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
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let me = loop {
            let line = lines.next_line().await.unwrap().expect("the child ended before it was ready");
            if let Some(me) = line.strip_prefix("ready ") {
                break me.parse().unwrap();
            }
        };
        let (sender, received) = mpsc::unbounded_channel();
        let (answers, tasks) = (Answers::default(), TaskTracker::new());
        tasks.spawn(read(lines, Arc::clone(&answers), sender));
        RemoteBus {
            me,
            stdin: Mutex::new(child.stdin.take().unwrap()),
            answers,
            received: Mutex::new(received),
            next: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            woken_by_close: tokio::sync::Notify::new(),
            _child: child,
            _tasks: tasks,
        }
    }

    async fn ask(&self, mut request: Value) -> Result<Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        self.answers.lock().unwrap().insert(id, sender);
        request["id"] = id.into();
        self.stdin.lock().await.write_all(format!("{request}\n").as_bytes()).await.unwrap();
        let answer = answer.await.expect("the child ended without an answer");
        match answer.get("error").and_then(Value::as_str) {
            None => Ok(answer),
            Some("closed") => Err(BackendError::Closed),
            Some(other) => Err(BackendError::Unavailable(other.into())),
        }
    }
}

async fn read(
    mut lines: tokio::io::Lines<BufReader<ChildStdout>>,
    answers: Answers,
    received: mpsc::UnboundedSender<BusMessage>,
) {
    while let Ok(Some(line)) = lines.next_line().await {
        // The test runner in the child has something to say, too.
        let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
        match line.get("id").and_then(Value::as_u64) {
            Some(id) => {
                let asked = answers.lock().unwrap().remove(&id);
                asked.into_iter().for_each(|asked| drop(asked.send(line.clone())));
            }
            None => drop(received.send(message_from(&line))),
        }
    }
}

#[async_trait]
impl EventBus for RemoteBus {
    fn me(&self) -> InstanceId {
        self.me
    }

    async fn send(&self, to: &[InstanceId], message: &BusMessage) -> Result<Delivery> {
        let answer = self.ask(json!({ "do": "send", "to": to, "message": message_to(message) })).await?;
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
        self.ask(json!({ "do": "close" })).await?;
        self.closed.store(true, Ordering::Relaxed);
        self.woken_by_close.notify_one();
        Ok(())
    }
}

/// The child's part: opens an endpoint and does as it is told until its input ends.
pub(crate) async fn serve() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let role: Value = serde_json::from_str(&role).unwrap();
    let text = |name: &str| role[name].as_str().unwrap().to_owned();
    let account = Account::at(text("sns"), text("sqs"), text("key"));
    let deployment = Deployment::new(&text("topic"), "a2a").unwrap();
    let config = Config::new(deployment, super::new_instance());
    let clients = clients(&account, &Tap::default());
    let bus = Arc::new(SnsSqsBus::open(clients, config, Arc::new(SystemEnv)).await.unwrap());
    let out = Arc::new(Mutex::new(tokio::io::stdout()));
    say(&out, format!("\nready {}", bus.me())).await;

    let tasks = TaskTracker::new();
    tasks.spawn(hand_over(Arc::clone(&bus), Arc::clone(&out)));
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        let request: Value = serde_json::from_str(&line).unwrap();
        tasks.spawn(answer(Arc::clone(&bus), request, Arc::clone(&out)));
    }
    let closed = bus.close().await;
    tasks.close();
    tasks.wait().await;
    closed.unwrap();
}

async fn hand_over(bus: Arc<SnsSqsBus>, out: Arc<Mutex<Stdout>>) {
    while let Ok(messages) = bus.receive().await {
        for message in messages {
            say(&out, message_to(&message).to_string()).await;
        }
    }
}

async fn answer(bus: Arc<SnsSqsBus>, request: Value, out: Arc<Mutex<Stdout>>) {
    let result = if request["do"] == "send" {
        let to: Vec<InstanceId> = serde_json::from_value(request["to"].clone()).unwrap();
        bus.send(&to, &message_from(&request["message"])).await
    } else {
        bus.close().await.map(|()| Delivery::default())
    };
    let mut answer = match result {
        Ok(delivery) => json!({ "gone": delivery.gone }),
        Err(BackendError::Closed) => json!({ "error": "closed" }),
        Err(error) => json!({ "error": format!("{error:?}") }),
    };
    answer["id"] = request["id"].clone();
    say(&out, answer.to_string()).await;
}

/// Whether the parent still listens is its own affair.
async fn say(out: &Mutex<Stdout>, line: String) {
    let mut out = out.lock().await;
    let _ = out.write_all(format!("{line}\n").as_bytes()).await;
    let _ = out.flush().await;
}

/// The whole of a message, of any size, as the bus's own wire form is not.
fn message_to(message: &BusMessage) -> Value {
    let (version, commits) = match &message.news {
        News::Commits(commits) => (None, commits.iter().map(|one| json!(**one)).collect()),
        News::Changed(version) | News::Watch(version) => (Some(version), Vec::new()),
        _ => (None, Vec::new()),
    };
    json!({
        "from": message.from, "task": message.task, "kind": message.news.kind(),
        "version": version, "commits": commits, "trace": message.trace,
    })
}

fn message_from(value: &Value) -> BusMessage {
    let version = || serde_json::from_value(value["version"].clone()).unwrap();
    let news = match value["kind"].as_str().unwrap() {
        "commits" => {
            let commits: Vec<CommitRecord> = serde_json::from_value(value["commits"].clone()).unwrap();
            News::Commits(commits.into_iter().map(Arc::new).collect())
        }
        "changed" => News::Changed(version()),
        "watch" => News::Watch(version()),
        "unwatch" => News::Unwatch,
        "cancel" => News::Cancel,
        "cancelling" => News::Cancelling,
        "cancelRefused" => News::CancelRefused,
        "configs" => News::Configs,
        unknown => panic!("teach this test to carry {unknown:?}"),
    };
    BusMessage {
        from: serde_json::from_value(value["from"].clone()).unwrap(),
        task: serde_json::from_value(value["task"].clone()).unwrap(),
        news,
        trace: serde_json::from_value(value["trace"].clone()).unwrap(),
    }
}
