//! What an agent says while it executes and while it cancels, as one stream, panics included.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use a2a::{A2AError, StreamResponse};
use a2a_server::{AgentExecutor, ExecutorContext};
use futures::stream::{BoxStream, CatchUnwind, FusedStream};
use futures::{Stream, StreamExt};

use super::core::AgentOutput;

type Call = CatchUnwind<AssertUnwindSafe<BoxStream<'static, Result<StreamResponse, A2AError>>>>;

/// The merged streams of an agent's `execute` and `cancel`.
pub(crate) struct AgentStream {
    execute: Option<Call>,
    cancel: Option<Call>,
    /// A call that panicked before it returned a stream.
    panicked: bool,
    ended: bool,
}

impl std::fmt::Debug for AgentStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgentStream").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl AgentStream {
    /// Lets an agent execute.
    pub(crate) fn execute(agent: &dyn AgentExecutor, context: ExecutorContext) -> Self {
        let mut stream = AgentStream { execute: None, cancel: None, panicked: false, ended: false };
        stream.execute = stream.guarded(|| agent.execute(context));
        stream
    }

    /// Lets an agent cancel a task that it does not execute now.
    pub(crate) fn cancel_only(agent: &dyn AgentExecutor, context: ExecutorContext) -> Self {
        let mut stream = AgentStream { execute: None, cancel: None, panicked: false, ended: false };
        stream.cancel(agent, context);
        stream
    }

    /// Asks the agent to cancel what it executes.
    pub(crate) fn cancel(&mut self, agent: &dyn AgentExecutor, context: ExecutorContext) {
        self.panicked |= drop_guarded(self.cancel.take()).is_err();
        self.cancel = self.guarded(|| agent.cancel(context));
        self.ended = false;
    }

    /// Drops the agent. Tells whether it panicked at that.
    pub(crate) fn end(mut self) -> bool {
        self.clear().is_err()
    }

    fn clear(&mut self) -> Result<(), Panic> {
        let (execute, cancel) = (drop_guarded(self.execute.take()), drop_guarded(self.cancel.take()));
        execute.and(cancel)
    }

    fn guarded(
        &mut self,
        call: impl FnOnce() -> BoxStream<'static, Result<StreamResponse, A2AError>>,
    ) -> Option<Call> {
        match catch(call) {
            Ok(stream) => Some(AssertUnwindSafe(stream).catch_unwind()),
            Err(Panic) => {
                self.panicked = true;
                None
            }
        }
    }
}

impl Stream for AgentStream {
    type Item = AgentOutput;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<AgentOutput>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if std::mem::take(&mut self.panicked) {
            return Poll::Ready(Some(AgentOutput::Panicked));
        }
        match poll_call(&mut self.cancel, cx) {
            Poll::Ready(Some(Ok(Ok(event)))) => return Poll::Ready(Some(AgentOutput::Event(event))),
            Poll::Ready(Some(Ok(Err(error)))) => return Poll::Ready(Some(AgentOutput::CancelFailed(error))),
            Poll::Ready(Some(Err(Panic))) => return Poll::Ready(Some(AgentOutput::Panicked)),
            Poll::Ready(None) | Poll::Pending => {}
        }
        match poll_call(&mut self.execute, cx) {
            Poll::Ready(Some(Ok(Ok(event)))) => return Poll::Ready(Some(AgentOutput::Event(event))),
            Poll::Ready(Some(Ok(Err(error)))) => return Poll::Ready(Some(AgentOutput::Failed(error))),
            Poll::Ready(Some(Err(Panic))) => return Poll::Ready(Some(AgentOutput::Panicked)),
            Poll::Ready(None) | Poll::Pending => {}
        }
        if self.execute.is_none() && self.cancel.is_none() {
            self.ended = true;
            return Poll::Ready(Some(AgentOutput::Ended));
        }
        Poll::Pending
    }
}

impl FusedStream for AgentStream {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

/// The agent panicked.
#[derive(Debug)]
struct Panic;

/// Polls a call, and drops it once it is over. Whatever panics on the way is the agent's panic.
fn poll_call(
    call: &mut Option<Call>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Result<StreamResponse, A2AError>, Panic>>> {
    let Some(stream) = call else { return Poll::Ready(None) };
    match stream.poll_next_unpin(cx) {
        Poll::Ready(None) => match drop_guarded(call.take()) {
            Ok(()) => Poll::Ready(None),
            Err(panic) => Poll::Ready(Some(Err(panic))),
        },
        Poll::Ready(Some(Err(payload))) => {
            std::mem::forget(payload);
            let _ = drop_guarded(call.take());
            Poll::Ready(Some(Err(Panic)))
        }
        Poll::Ready(Some(Ok(said))) => Poll::Ready(Some(Ok(said))),
        Poll::Pending => Poll::Pending,
    }
}

/// Drops something of an agent's.
fn drop_guarded<T>(dropped: T) -> Result<(), Panic> {
    catch(|| drop(dropped))
}

/// Calls something of an agent's.
fn catch<T>(call: impl FnOnce() -> T) -> Result<T, Panic> {
    std::panic::catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        // What an agent panicked with is the agent's, too, and may panic when it is dropped.
        std::mem::forget(payload);
        Panic
    })
}

/// Where its task ends with the runtime, nobody is there to be told.
impl Drop for AgentStream {
    fn drop(&mut self) {
        let _ = self.clear();
    }
}
