//! What stops the agents of an instance that is frozen, and lets them go on after that.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// What all agents of an instance pass at each poll, unless it is frozen. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Freezer(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    is_frozen: bool,
    waiting: Vec<Waker>,
}

impl Freezer {
    pub(crate) fn freeze(&self) {
        self.0.lock().unwrap().is_frozen = true;
    }

    pub(crate) fn thaw(&self) {
        let waiting = {
            let mut state = self.0.lock().unwrap();
            state.is_frozen = false;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Waits until it is not frozen.
    pub(crate) async fn pass(&self) {
        std::future::poll_fn(|cx| self.poll_pass(cx)).await;
    }

    /// Ready where it is not frozen; wakes whoever polls once it is so.
    pub(crate) fn poll_pass(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.0.lock().unwrap();
        if state.is_frozen {
            state.waiting.push(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}
