//! An agent's voice: what it says while it executes and while it cancels, panics included.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use a2a::{A2AError, StreamResponse};
use a2a_server::{AgentExecutor, ExecutorContext};
use futures::stream::{BoxStream, CatchUnwind, FusedStream};
use futures::{Stream, StreamExt};

/// One thing that an agent said.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "most of what an agent says is events; boxing each costs more")]
pub(crate) enum Said {
    /// An event of its task.
    Event(StreamResponse),
    /// It gave up.
    Failed(A2AError),
    /// It could not cancel, or would not.
    CancelFailed(A2AError),
    /// It panicked. What it said in panic stays in the log.
    Panicked,
    /// It has nothing more to say.
    Ended,
}

type Speech = CatchUnwind<AssertUnwindSafe<BoxStream<'static, Result<StreamResponse, A2AError>>>>;

/// The merged streams of an agent's `execute` and `cancel`.
pub(crate) struct Voice {
    execute: Option<Speech>,
    cancel: Option<Speech>,
    /// A call that panicked before it returned a stream.
    panicked: bool,
    ended: bool,
}

impl std::fmt::Debug for Voice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Voice").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl Voice {
    /// Lets an agent execute.
    pub(crate) fn execute(agent: &dyn AgentExecutor, context: ExecutorContext) -> Self {
        let mut voice = Voice { execute: None, cancel: None, panicked: false, ended: false };
        voice.execute = voice.listen(|| agent.execute(context));
        voice
    }

    /// Lets an agent cancel a task that it does not execute now.
    pub(crate) fn cancel_only(agent: &dyn AgentExecutor, context: ExecutorContext) -> Self {
        let mut voice = Voice { execute: None, cancel: None, panicked: false, ended: false };
        voice.cancel(agent, context);
        voice
    }

    /// Asks the agent to cancel what it executes.
    pub(crate) fn cancel(&mut self, agent: &dyn AgentExecutor, context: ExecutorContext) {
        self.cancel = self.listen(|| agent.cancel(context));
        self.ended = false;
    }

    fn listen(
        &mut self,
        call: impl FnOnce() -> BoxStream<'static, Result<StreamResponse, A2AError>>,
    ) -> Option<Speech> {
        match std::panic::catch_unwind(AssertUnwindSafe(call)) {
            Ok(stream) => Some(AssertUnwindSafe(stream).catch_unwind()),
            Err(_) => {
                self.panicked = true;
                None
            }
        }
    }
}

impl Stream for Voice {
    type Item = Said;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Said>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if std::mem::take(&mut self.panicked) {
            return Poll::Ready(Some(Said::Panicked));
        }
        match poll_speech(&mut self.cancel, cx) {
            Poll::Ready(Some(Ok(Ok(event)))) => return Poll::Ready(Some(Said::Event(event))),
            Poll::Ready(Some(Ok(Err(error)))) => return Poll::Ready(Some(Said::CancelFailed(error))),
            Poll::Ready(Some(Err(Panic))) => return Poll::Ready(Some(Said::Panicked)),
            Poll::Ready(None) | Poll::Pending => {}
        }
        match poll_speech(&mut self.execute, cx) {
            Poll::Ready(Some(Ok(Ok(event)))) => return Poll::Ready(Some(Said::Event(event))),
            Poll::Ready(Some(Ok(Err(error)))) => return Poll::Ready(Some(Said::Failed(error))),
            Poll::Ready(Some(Err(Panic))) => return Poll::Ready(Some(Said::Panicked)),
            Poll::Ready(None) | Poll::Pending => {}
        }
        if self.execute.is_none() && self.cancel.is_none() {
            self.ended = true;
            return Poll::Ready(Some(Said::Ended));
        }
        Poll::Pending
    }
}

impl FusedStream for Voice {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

struct Panic;

/// Polls a speech, and forgets it once it is over.
fn poll_speech(
    speech: &mut Option<Speech>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Result<StreamResponse, A2AError>, Panic>>> {
    let Some(stream) = speech else { return Poll::Ready(None) };
    match stream.poll_next_unpin(cx) {
        Poll::Ready(None) => {
            *speech = None;
            Poll::Ready(None)
        }
        Poll::Ready(Some(Err(_))) => {
            *speech = None;
            Poll::Ready(Some(Err(Panic)))
        }
        Poll::Ready(Some(Ok(said))) => Poll::Ready(Some(Ok(said))),
        Poll::Pending => Poll::Pending,
    }
}
