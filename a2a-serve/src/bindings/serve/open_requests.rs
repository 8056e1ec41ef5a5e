//! The requests of one connection that are open, from their heads to the ends of their answers: without one it is idle.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::HttpBody;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

/// Those of one connection.
#[derive(Debug, Clone)]
pub(super) struct OpenRequests(Arc<Mutex<Open>>);

#[derive(Debug)]
struct Open {
    count: usize,
    /// When the last one ended, or the connection began.
    none_since: Instant,
}

/// One of them, until this is dropped.
#[derive(Debug)]
pub(super) struct OpenRequest(OpenRequests);

impl OpenRequests {
    pub(super) fn new() -> Self {
        OpenRequests(Arc::new(Mutex::new(Open { count: 0, none_since: Instant::now() })))
    }

    pub(super) fn one(&self) -> OpenRequest {
        self.lock().count += 1;
        OpenRequest(self.clone())
    }

    /// Ends once none has been open for so long, at least from now. Cancel safe.
    pub(super) async fn none_for(&self, patience: Duration) {
        let mut since = Instant::now();
        while since.elapsed() < patience {
            sleep_until(since + patience).await;
            let open = self.lock();
            // Who has one open now is not idle before so long from now.
            since = if open.count > 0 { Instant::now() } else { open.none_since };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let mut open = self.0.lock();
        open.count -= 1;
        open.none_since = Instant::now();
    }
}

/// The body of an answer, which keeps its request open.
pub(super) struct Answering<B> {
    pub(super) body: B,
    pub(super) _request: OpenRequest,
}

impl<B: HttpBody + Unpin> HttpBody for Answering<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
