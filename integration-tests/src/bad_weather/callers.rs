//! Clients that offer tasks at a rate, however the ones before fare, and note what becomes of each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use a2a::{A2AError, StreamResponse, TaskState};
use a2a_cluster::retry_after;
use a2a_core::reduce;
use a2a_server::RequestHandler as _;
use a2a_testworld::world::{Events, Node, identified, params, texts};
use futures::StreamExt;
use tokio::time::{Instant, interval, timeout};
use tokio_util::task::TaskTracker;

/// What an agent does: it works for a second and says this many chunks.
pub(super) const SCRIPT: &str = "do work; talk 20 40; done";
/// How many chunks that are.
pub(super) const CHUNKS: usize = 20;
/// How long that takes it.
pub(super) const AGENT: Duration = Duration::from_millis(800);
/// One task of so many is watched on another instance, too.
const WATCHED: usize = 4;
/// A stream that says nothing for so long hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// What became of one task for its client.
#[derive(Debug)]
pub(crate) enum Fate {
    /// It was told the task's end, so long after it had asked, its agent's own time left out.
    Done {
        task: String,
        first: Duration,
        whole: Duration,
        /// Until it was watched to its end on another instance, where it was.
        elsewhere: Option<Duration>,
        at: Instant,
        streams: Vec<String>,
    },
    /// Its stream broke, or hangs. The task may be what it should be.
    Broken { task: String, why: String },
    /// It was refused, with a time to retry after, so long after it had asked.
    Refused { after: Duration },
    /// It was told an error without a time to retry after.
    Wrong(String),
}

/// Clients at work.
#[derive(Debug, Default)]
pub(crate) struct Callers {
    waiting: Arc<AtomicUsize>,
    tracker: TaskTracker,
    fates: Vec<tokio::task::JoinHandle<Fate>>,
}

impl Callers {
    /// Offers so many tasks a second for so long, to one instance after the other.
    pub(crate) async fn offer(&mut self, nodes: &[Arc<Node>], rate: f64, lasts: Duration) {
        let (began, mut clock) = (Instant::now(), interval(Duration::from_millis(5)));
        let already = self.fates.len();
        while began.elapsed() < lasts {
            clock.tick().await;
            let due = (began.elapsed().min(lasts).as_secs_f64() * rate) as usize;
            while self.fates.len() - already < due {
                self.one(nodes);
            }
        }
    }

    /// How many wait for an answer, or for the end of their stream. Shared with whoever watches.
    pub(super) fn waiting(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.waiting)
    }

    /// Waits for what became of all.
    pub(crate) async fn fates(self) -> Vec<Fate> {
        futures::future::join_all(self.fates).await.into_iter().map(Result::unwrap).collect()
    }

    fn one(&mut self, nodes: &[Arc<Node>]) {
        let number = self.fates.len();
        let at = |n: usize| Arc::clone(&nodes[n % nodes.len()]);
        let (here, there) = (at(number), at(number + 1));
        let watched = number.is_multiple_of(WATCHED);
        let waiting = Arc::clone(&self.waiting);
        waiting.fetch_add(1, Ordering::Relaxed);
        self.fates.push(self.tracker.spawn(async move {
            let fate = begin(&here, watched.then_some(&*there)).await;
            waiting.fetch_sub(1, Ordering::Relaxed);
            fate
        }));
    }
}

/// Sends a message, and reads its stream to the end.
async fn begin(here: &Node, there: Option<&Node>) -> Fate {
    let began = Instant::now();
    let refused = |error: A2AError| match retry_after(&error) {
        Some(_) => Fate::Refused { after: began.elapsed() },
        None => Fate::Wrong(format!("{} {}", error.code, error.message)),
    };
    let sent = here.handler.send_streaming_message(&params(), identified(SCRIPT)).await;
    let mut events = match sent {
        Ok(events) => events,
        Err(error) => return refused(error),
    };
    let task = match timeout(PATIENCE, events.next()).await {
        Ok(Some(Ok(StreamResponse::Task(task)))) => task,
        Ok(Some(Err(error))) => return refused(error),
        other => return Fate::Wrong(format!("a stream begins with {other:?}")),
    };
    let (id, first) = (task.id.clone(), began.elapsed());
    let watched = async {
        match there {
            Some(there) => watch(there, &id).await,
            None => Ok(()),
        }
    };
    let own = async {
        let own = whole(events, task).await;
        (own, began.elapsed().saturating_sub(AGENT))
    };
    let ((own, whole), watched) = futures::join!(own, watched);
    let streams = [watched.err(), own.as_ref().err().cloned()].into_iter().flatten().collect::<Vec<_>>();
    if let Err(why) = own {
        return Fate::Broken { task: id, why };
    }
    let elsewhere = there.map(|_| began.elapsed().saturating_sub(AGENT));
    Fate::Done { task: id, first, whole, elsewhere, at: Instant::now(), streams }
}

/// Watches a task on another instance. Where that refuses, with a time to retry after, nothing is seen and nothing wrong.
async fn watch(there: &Node, task: &str) -> Result<(), String> {
    let mut events = match there.subscribe(task).await {
        Ok(events) => events,
        // The task was quicker, or the instance asks to come again.
        Err(error)
            if retry_after(&error).is_some() || error.code == a2a::error_code::UNSUPPORTED_OPERATION =>
        {
            return Ok(());
        }
        Err(error) => return Err(format!("{} {}", error.code, error.message)),
    };
    match timeout(PATIENCE, events.next()).await {
        Ok(Some(Ok(StreamResponse::Task(task)))) => whole(events, task).await,
        other => Err(format!("a subscription begins with {other:?}")),
    }
}

/// Reads a stream to its end. It must have said everything.
async fn whole(mut events: Events, mut task: a2a::Task) -> Result<(), String> {
    loop {
        match timeout(PATIENCE, events.next()).await {
            Err(_) => return Err("a stream hangs".to_owned()),
            Ok(Some(Err(error))) => return Err(format!("{} {}", error.code, error.message)),
            Ok(Some(Ok(StreamResponse::Task(again)))) => task = again,
            Ok(Some(Ok(event))) => {
                reduce::apply(&mut task, &event);
            }
            Ok(None) => break,
        }
    }
    match (&task.status.state, texts(&task).len()) {
        (TaskState::Completed, CHUNKS) => Ok(()),
        (state, chunks) => Err(format!("a stream ends with {state:?} and {chunks} chunks")),
    }
}
