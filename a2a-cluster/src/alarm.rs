//! A deadline that is kept also where agents block every worker of the runtime, and so its clock.

use std::sync::mpsc::{self, RecvTimeoutError};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

/// Waits for something until a deadline. `None`: it has passed.
///
/// A thread of its own keeps the time beside the runtime. Whoever awaits this in `block_on` of a runtime with several
/// threads is woken by it, whatever its workers do.
pub(crate) async fn until<T>(deadline: Instant, work: impl Future<Output = T>) -> Option<T> {
    let alarm = Alarm::set(deadline);
    tokio::select! {
        biased;
        done = work => Some(done),
        () = sleep_until(deadline) => None,
        () = alarm.rings() => None,
    }
}

struct Alarm {
    rings: Option<oneshot::Receiver<()>>,
    /// Dropped, it tells the thread that nobody waits any more.
    _wanted: mpsc::Sender<()>,
}

impl Alarm {
    fn set(deadline: Instant) -> Self {
        let (wanted, unwanted) = mpsc::channel::<()>();
        // A runtime of a single thread is blocked as a whole, and its clock may be a simulated one.
        let has_workers = Handle::try_current()
            .is_ok_and(|runtime| runtime.runtime_flavor() != RuntimeFlavor::CurrentThread);
        let rings = has_workers.then(|| {
            let (ring, rings) = oneshot::channel();
            let wait = deadline.saturating_duration_since(Instant::now());
            let thread = std::thread::Builder::new().name("a2a-alarm".to_owned()).stack_size(64 * 1024);
            let set = thread.spawn(move || {
                if let Err(RecvTimeoutError::Timeout) = unwanted.recv_timeout(wait) {
                    let _ = ring.send(());
                }
            });
            if let Err(error) = set {
                tracing::warn!(%error, "no thread for an alarm: agents that block may hold a shutdown up");
            }
            rings
        });
        Alarm { rings, _wanted: wanted }
    }

    async fn rings(self) {
        let rang = match self.rings {
            Some(rings) => rings.await.is_ok(),
            None => false,
        };
        if !rang {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_deadline_holds_where_every_worker_is_blocked() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let began = std::time::Instant::now();
        let waited = runtime.block_on(async {
            let tracker = tokio_util::task::TaskTracker::new();
            tracker.spawn(async { std::thread::sleep(Duration::from_secs(5)) });
            std::thread::sleep(Duration::from_millis(100));
            until(Instant::now() + Duration::from_millis(200), std::future::pending::<()>()).await
        });
        runtime.shutdown_background();
        assert_eq!(waited, None);
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_in_time_is_returned() {
        let deadline = Instant::now() + Duration::from_secs(60);
        assert_eq!(until(deadline, async { 7 }).await, Some(7));
        assert_eq!(until(deadline, std::future::pending::<()>()).await, None);
        assert_eq!(Instant::now(), deadline);
    }
}
