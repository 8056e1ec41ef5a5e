//! A webhook that notes what it is told.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here is a test that fails")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use a2a::{StreamResponse, TaskPushNotificationConfig};
use a2a_core::reduce;
use a2a_testworld::world::{eventually, webhook};
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

const TOKEN: &str = "a-token";
/// How long it takes over each chunk where it is to take its time: longer than the trials' agents do, so that chunks wait, and
/// are told together.
const SLOW: Duration = Duration::from_millis(130);

type Taken = Arc<Mutex<Vec<Notification>>>;

/// What one call told.
#[derive(Debug, Clone)]
pub(crate) struct Notification {
    /// Its `webhook-id`.
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) event: StreamResponse,
}

/// Listens until it is dropped.
pub(crate) struct Hook {
    url: String,
    taken: Taken,
    _stop: DropGuard,
}

impl Hook {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (taken, stop) = (Taken::default(), CancellationToken::new());
        let router = Router::new().route("/", post(note)).route("/slow", post(note_slowly));
        let router = router.with_state(Arc::clone(&taken));
        let stopped = stop.clone().cancelled_owned();
        TaskTracker::new().spawn(async move {
            axum::serve(listener, router).with_graceful_shutdown(stopped).await.unwrap();
        });
        Hook { url, taken, _stop: stop.drop_guard() }
    }

    /// A config that leads here.
    pub(crate) fn config(&self, task: &str) -> TaskPushNotificationConfig {
        TaskPushNotificationConfig {
            task_id: task.to_owned(),
            token: Some(TOKEN.to_owned()),
            ..webhook(&self.url)
        }
    }

    /// A config that leads to where answers take their time.
    pub(crate) fn slow_config(&self, task: &str) -> TaskPushNotificationConfig {
        TaskPushNotificationConfig { url: format!("{}slow", self.url), ..self.config(task) }
    }

    /// Waits until it was told of a turn's end.
    pub(crate) async fn hears_an_end(&self) -> Vec<StreamResponse> {
        let ended = |event: &StreamResponse| reduce::state_of(event).is_some_and(reduce::ends_turn);
        eventually("the webhook's last call", || async { self.heard().iter().any(ended) }).await;
        self.heard()
    }

    pub(crate) fn heard(&self) -> Vec<StreamResponse> {
        self.taken.lock().unwrap().iter().map(|taken| taken.event.clone()).collect()
    }

    /// All that it was told, in the order in which it came.
    pub(crate) fn taken(&self) -> Vec<Notification> {
        self.taken.lock().unwrap().clone()
    }

    /// How often it was called.
    pub(crate) fn calls(&self) -> usize {
        self.taken.lock().unwrap().len()
    }
}

async fn note(State(taken): State<Taken>, headers: HeaderMap, body: String) {
    keep(&taken, &headers, body);
}

/// It is taken before it is answered: whoever dies in between does not know that it was.
async fn note_slowly(State(taken): State<Taken>, headers: HeaderMap, body: String) {
    let chunks = keep(&taken, &headers, body);
    sleep(SLOW * chunks).await;
}

/// Takes a call. Returns how many chunks it told, or 1.
fn keep(taken: &Taken, headers: &HeaderMap, body: String) -> u32 {
    assert_eq!(headers["x-a2a-notification-token"], TOKEN);
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let event = serde_json::from_str(&body).unwrap();
    let chunks = match &event {
        StreamResponse::ArtifactUpdate(update) => update.artifact.parts.len(),
        _ => 1,
    };
    taken.lock().unwrap().push(Notification { id, body, event });
    u32::try_from(chunks).unwrap()
}
