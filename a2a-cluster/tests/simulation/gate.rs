//! What stops the agents of an instance that is frozen, and lets them go on after that.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// A gate that all agents of an instance pass at each poll. Clones are the same gate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate(Arc<Mutex<Shut>>);

#[derive(Debug, Default)]
struct Shut {
    is_shut: bool,
    waiting: Vec<Waker>,
}

impl Gate {
    pub(crate) fn shut(&self) {
        self.0.lock().unwrap().is_shut = true;
    }

    pub(crate) fn open(&self) {
        let waiting = {
            let mut shut = self.0.lock().unwrap();
            shut.is_shut = false;
            std::mem::take(&mut shut.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Waits until it is open.
    pub(crate) async fn pass(&self) {
        std::future::poll_fn(|cx| self.poll_pass(cx)).await;
    }

    /// Ready where it is open; wakes whoever polls once it is.
    pub(crate) fn poll_pass(&self, cx: &Context<'_>) -> Poll<()> {
        let mut shut = self.0.lock().unwrap();
        if shut.is_shut {
            shut.waiting.push(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}
