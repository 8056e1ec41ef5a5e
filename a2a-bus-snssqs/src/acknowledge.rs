//! Deletes what was handed over, in batches.
//!
//! A delete that is lost only means that the message is delivered twice, which its version shows.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry as Entry;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use crate::batcher::FULL;
use crate::clients::call;
use crate::meter::{self, Call};

/// How long a first delete waits for others: far less than a received message stays hidden.
const GATHER: Duration = Duration::from_millis(500);

/// The most deletes side by side.
const MOST_REQUESTS: usize = 4;

const WAITING: usize = 256;

/// Takes the receipt handles of messages that are to be deleted.
#[derive(Debug, Clone)]
pub(crate) struct Acknowledger(mpsc::Sender<String>);

impl Acknowledger {
    /// Starts a task that deletes until `stop` and then what it still has.
    pub(crate) fn start(
        sqs: aws_sdk_sqs::Client,
        queue_url: String,
        limit: Duration,
        stop: CancellationToken,
        tasks: &TaskTracker,
    ) -> Self {
        let (sender, handles) = mpsc::channel(WAITING);
        let deleter = Arc::new(Deleter { sqs, queue_url, limit });
        tasks.spawn(gather(handles, deleter, stop, tasks.clone()));
        Acknowledger(sender)
    }

    /// Has these messages deleted soon. Waits while too many wait already.
    pub(crate) async fn delete(&self, handles: Vec<String>) {
        for handle in handles {
            // Nobody deletes any more once the endpoint closes; then the queue goes as a whole.
            if self.0.send(handle).await.is_err() {
                return;
            }
        }
    }
}

async fn gather(
    mut handles: mpsc::Receiver<String>,
    deleter: Arc<Deleter>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let requests = Arc::new(Semaphore::new(MOST_REQUESTS));
    loop {
        let first = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            first = handles.recv() => first,
        };
        let Some(first) = first else { return };
        let mut batch = vec![first];
        let deadline = Instant::now() + GATHER;
        while batch.len() < FULL {
            let next = tokio::select! {
                biased;
                () = stop.cancelled() => None,
                next = timeout_at(deadline, handles.recv()) => next.ok().flatten(),
            };
            match next {
                Some(next) => batch.push(next),
                None => break,
            }
        }
        let Ok(permit) = Arc::clone(&requests).acquire_owned().await else { return };
        let deleter = Arc::clone(&deleter);
        tasks.spawn(async move {
            deleter.delete(batch).await;
            drop(permit);
        });
    }
    handles.close();
    let mut rest = Vec::new();
    while let Ok(handle) = handles.try_recv() {
        rest.push(handle);
    }
    for batch in rest.chunks(FULL) {
        deleter.delete(batch.to_vec()).await;
    }
}

#[derive(Debug)]
struct Deleter {
    sqs: aws_sdk_sqs::Client,
    queue_url: String,
    limit: Duration,
}

impl Deleter {
    async fn delete(&self, handles: Vec<String>) {
        const CALL: Call = Call::DeleteMessageBatch;
        let entry = |(id, handle): (usize, String)| {
            Entry::builder().id(id.to_string()).receipt_handle(handle).build().ok()
        };
        let entries = handles.into_iter().enumerate().filter_map(entry).collect();
        let delete = self.sqs.delete_message_batch().queue_url(&self.queue_url).set_entries(Some(entries));
        let failed = match call(CALL.name(), self.limit, delete.send()).await {
            Ok(output) => output.failed().len(),
            Err(error) => {
                debug!(error = %error.failure, "received messages were not deleted and will come again");
                FULL
            }
        };
        if failed > 0 {
            meter::failed(CALL);
        }
    }
}
