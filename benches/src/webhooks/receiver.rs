//! A webhook that counts its calls, and notes how late it learns of the ends of tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use a2a::StreamResponse;
use a2a_core::{Env, SystemEnv, reduce};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::Error;

/// What tells the end of a task apart without reading all of a body.
const END: &[u8] = b"TASK_STATE_COMPLETED";
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Listens on all addresses of this machine until it is dropped.
#[derive(Debug)]
pub(super) struct Receiver {
    port: u16,
    heard: Arc<Heard>,
    _stop: DropGuard,
}

#[derive(Debug)]
struct Heard {
    /// How long it takes over an answer.
    pause: Duration,
    /// It answers no more.
    hangs: AtomicBool,
    calls: AtomicU64,
    /// How long after each end it was learnt, in milliseconds.
    ends: watch::Sender<Vec<f64>>,
}

impl Receiver {
    pub(super) async fn new(pause: Duration) -> Result<Self, Error> {
        let listener = TcpListener::bind("0.0.0.0:0").await?;
        let port = listener.local_addr()?.port();
        let heard = Arc::new(Heard {
            pause,
            hangs: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            ends: watch::Sender::default(),
        });
        let router = Router::new().fallback(take).layer(DefaultBodyLimit::disable());
        let router = router.with_state(Arc::clone(&heard));
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        TaskTracker::new().spawn(async move {
            // Connections that nobody uses just now are closed, too.
            axum::serve(listener, router).with_graceful_shutdown(stopped).await
        });
        Ok(Receiver { port, heard, _stop: stop.drop_guard() })
    }

    /// Its address on one of the loopback network's hosts: calls are shared out by host.
    pub(super) fn url(&self, host: usize) -> String {
        format!("http://127.0.0.{}:{}/", 1 + host % 200, self.port)
    }

    pub(super) fn calls(&self) -> u64 {
        self.heard.calls.load(Ordering::Relaxed)
    }

    /// Waits until it was called so often.
    pub(super) async fn called(&self, count: usize) {
        while self.calls() < count as u64 {
            sleep(LOOK_EVERY).await;
        }
    }

    /// Answers no call that comes from now on.
    pub(super) fn hang(&self) {
        self.heard.hangs.store(true, Ordering::Relaxed);
    }

    /// Closes its port.
    pub(super) async fn go_away(self) {
        let port = self.port;
        drop(self);
        while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until it has learnt of so many ends. Returns how long after each of them, in milliseconds.
    pub(super) async fn ends(&self, count: usize) -> Result<Vec<f64>, Error> {
        Ok(self.heard.ends.subscribe().wait_for(|ends| ends.len() >= count).await?.clone())
    }
}

async fn take(State(heard): State<Arc<Heard>>, body: Bytes) -> StatusCode {
    let now = SystemEnv.now();
    heard.calls.fetch_add(1, Ordering::Relaxed);
    if memchr::memmem::find(&body, END).is_some()
        && let Some(ended) = ended(&body)
    {
        let late = (now - ended).as_seconds_f64() * 1000.0;
        heard.ends.send_modify(|ends| ends.push(late));
    }
    if heard.hangs.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
    if !heard.pause.is_zero() {
        sleep(heard.pause).await;
    }
    StatusCode::NO_CONTENT
}

/// When the task ended, if that is told.
fn ended(body: &[u8]) -> Option<DateTime<Utc>> {
    let event: StreamResponse = serde_json::from_slice(body).ok()?;
    let is_over = reduce::state_of(&event).is_some_and(a2a::TaskState::is_terminal);
    match event {
        StreamResponse::Task(task) if is_over => task.status.timestamp,
        StreamResponse::StatusUpdate(update) if is_over => update.status.timestamp,
        _ => None,
    }
}
