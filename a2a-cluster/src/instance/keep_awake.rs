//! A thread of the instance's own that wakes the runtime now and then, while agents run.
//!
//! An agent may block the worker that polls it, and that worker may be the one which waits for I/O and time on behalf
//! of all others: they sleep until something from outside wakes one of them. With a free worker, everything else
//! goes on after this thread's next wake-up.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Notify;

use super::Instance;
use crate::ground::wake_those_who_gave_way;

/// How long others may be held up by an agent that blocks, where there is a worker that does not.
const INTERVAL: Duration = Duration::from_millis(100);

/// Wakes the runtime until the instance closes. A runtime of a single thread has nobody to wake.
pub(super) fn begin(instance: &Arc<Instance>) {
    if Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::CurrentThread) {
        return;
    }
    let wake = Arc::new(Notify::new());
    let (owner, woken) = (Arc::clone(instance), Arc::clone(&wake));
    instance.ground.tracker.spawn(async move {
        // Whichever worker comes for this looks after I/O and time when it has nothing else to do.
        let waking = async {
            loop {
                woken.notified().await;
            }
        };
        let _: Option<()> = owner.ground.stop.closing.run_until_cancelled(waking).await;
    });
    let owner = Arc::downgrade(instance);
    let thread = std::thread::Builder::new().name("a2a-keep-awake".to_owned()).stack_size(64 * 1024);
    if let Err(error) = thread.spawn(move || while wakes(&owner, &wake) {}) {
        tracing::warn!(%error, "an agent that blocks its thread may hold up others: no thread to see to it");
    }
}

fn wakes(instance: &Weak<Instance>, wake: &Notify) -> bool {
    std::thread::sleep(INTERVAL);
    let Some(instance) = instance.upgrade().filter(|instance| !instance.ground.stop.closing.is_cancelled())
    else {
        return false;
    };
    if instance.actors.running() > 0 {
        wake.notify_one();
        wake_those_who_gave_way();
    }
    true
}
