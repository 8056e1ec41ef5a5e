//! Webhooks: what they were sent and took, and how the instances' posts reach them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use a2a::A2AError;
use a2a_cluster::{WebhookAnswer, WebhookFailure, WebhookRequest, WebhookTransport};
use a2a_testkit::async_trait;
use http::StatusCode;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::freezer::Freezer;

/// How webhooks behave, by the first word of their path.
pub(crate) const KINDS: [&str; 4] = ["well", "slow", "dead", "flaky"];

/// So many posts in a row an unreliable webhook fails at most.
const FAILS: u32 = 3;

/// One notification that a webhook took.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) url: String,
    /// Which instance sent it.
    pub(crate) by: usize,
    pub(crate) event: Value,
    /// The numbers of the first and the last event that it tells.
    pub(crate) numbers: (usize, usize),
    pub(crate) at: Instant,
}

/// All webhooks.
#[derive(Debug, Default)]
pub(crate) struct Hooks(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    taken: Vec<Taken>,
    failed: HashMap<(String, Option<String>), u32>,
}

impl Hooks {
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.0.lock().unwrap().taken.clone()
    }

    fn take(&self, by: usize, request: &WebhookRequest) {
        let (url, event, numbers) = (request.url.clone(), event_of(request), numbers_of(request));
        let taken = Taken { url, by, event, numbers, at: Instant::now() };
        self.0.lock().unwrap().taken.push(taken);
    }

    /// Whether an unreliable webhook fails this time; not too often in a row for one task.
    fn fails(&self, request: &WebhookRequest, chance: f64) -> bool {
        let about = (request.url.clone(), task_of(&event_of(request)));
        let mut state = self.0.lock().unwrap();
        let failed = state.failed.entry(about).or_default();
        let fails = chance < 0.3 && *failed < FAILS;
        *failed = if fails { *failed + 1 } else { 0 };
        fails
    }
}

fn event_of(request: &WebhookRequest) -> Value {
    serde_json::from_slice(&request.body).expect("a notification is JSON")
}

/// The numbers in a notification's id.
fn numbers_of(request: &WebhookRequest) -> (usize, usize) {
    let id = request.headers["webhook-id"].to_str().expect("an id is a text");
    let mut numbers = id.rsplit('/').next().into_iter().flat_map(|numbers| numbers.split('-'));
    let mut number =
        || numbers.next().and_then(|number| number.parse().ok()).expect("an id ends with two numbers");
    (number(), number())
}

/// The task that a notification is about.
pub(crate) fn task_of(event: &Value) -> Option<String> {
    let update = event.get("statusUpdate").or(event.get("artifactUpdate"));
    let id = update.map_or_else(|| event.get("task")?.get("id"), |update| update.get("taskId"));
    id?.as_str().map(str::to_owned)
}

/// How a webhook of this URL behaves.
pub(crate) fn kind(url: &str) -> &str {
    url.split('/').nth(3).unwrap_or_default()
}

/// The posts of one instance.
pub(crate) struct Posts {
    /// Which instance it is.
    pub(crate) name: usize,
    pub(crate) hooks: Arc<Hooks>,
    pub(crate) freezer: Freezer,
    /// Whether nothing takes time on the way.
    pub(crate) calm: bool,
    pub(crate) rng: Mutex<fastrand::Rng>,
}

impl fmt::Debug for Posts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Posts").finish_non_exhaustive()
    }
}

impl Posts {
    fn chance(&self) -> f64 {
        self.rng.lock().unwrap().f64()
    }

    async fn way(&self, chance: f64) {
        if !self.calm {
            sleep(Duration::from_millis(50).mul_f64(chance)).await;
        }
        self.freezer.pass().await;
    }
}

#[async_trait]
impl WebhookTransport for Posts {
    fn check_url(&self, _url: &str) -> Result<(), A2AError> {
        Ok(())
    }

    async fn post(&self, request: WebhookRequest) -> Result<WebhookAnswer, WebhookFailure> {
        let (there, back) = (self.chance(), self.chance());
        self.way(there).await;
        match kind(&request.url) {
            "dead" => return Err(WebhookFailure::Failed),
            "slow" => sleep(Duration::from_millis(200)).await,
            "flaky" if self.hooks.fails(&request, there) => {
                // Its answer is lost, or its request.
                if back < 0.5 {
                    self.hooks.take(self.name, &request);
                }
                self.way(back).await;
                return Err(WebhookFailure::Failed);
            }
            _ => {}
        }
        self.hooks.take(self.name, &request);
        self.way(back).await;
        Ok(WebhookAnswer { status: StatusCode::OK, retry_after: None })
    }
}
