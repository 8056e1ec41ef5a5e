//! A webhook that notes what it is told.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here is a test that fails")]

use std::sync::{Arc, Mutex};

use a2a::{StreamResponse, TaskPushNotificationConfig};
use a2a_core::reduce;
use a2a_testworld::world::webhook;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::scenarios::eventually;

const TOKEN: &str = "a-token";

type Heard = Arc<Mutex<Vec<StreamResponse>>>;

/// Listens until it is dropped.
pub(crate) struct Hook {
    url: String,
    heard: Heard,
    _stop: DropGuard,
}

impl Hook {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (heard, stop) = (Heard::default(), CancellationToken::new());
        let router = Router::new().route("/", post(note)).with_state(Arc::clone(&heard));
        let stopped = stop.clone().cancelled_owned();
        TaskTracker::new().spawn(async move {
            axum::serve(listener, router).with_graceful_shutdown(stopped).await.unwrap();
        });
        Hook { url, heard, _stop: stop.drop_guard() }
    }

    /// A config that leads here.
    pub(crate) fn config(&self, task: &str) -> TaskPushNotificationConfig {
        TaskPushNotificationConfig {
            task_id: task.to_owned(),
            token: Some(TOKEN.to_owned()),
            ..webhook(&self.url)
        }
    }

    /// Waits until it was told of a turn's end.
    pub(crate) async fn hears_an_end(&self) -> Vec<StreamResponse> {
        let ended = |event: &StreamResponse| reduce::state_of(event).is_some_and(reduce::ends_turn);
        eventually("the webhook's last call", async || self.heard().iter().any(ended)).await;
        self.heard()
    }

    pub(crate) fn heard(&self) -> Vec<StreamResponse> {
        self.heard.lock().unwrap().clone()
    }
}

async fn note(State(heard): State<Heard>, headers: HeaderMap, body: String) {
    assert_eq!(headers["x-a2a-notification-token"], TOKEN);
    heard.lock().unwrap().push(serde_json::from_str(&body).unwrap());
}
