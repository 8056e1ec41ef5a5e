//! Brings parcels to their requests: a lane per destination, and tasks that live while a lane has work.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use a2a_core::{BackendError, Result};
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use crate::carrier::{Carrier, Fate};
use crate::error::Failure;
use crate::lane::Lane;
use crate::parcel::{MOST_BYTES, Parcel, Route};

type Verdict = Result<Fate, Failure>;

/// A parcel and whom to tell what became of it.
#[derive(Debug)]
struct Letter {
    parcel: Parcel,
    sender: oneshot::Sender<Verdict>,
}

/// What one endpoint sends.
#[derive(Debug)]
pub(crate) struct Outbox {
    carrier: Carrier,
    lanes: Mutex<HashMap<Route, Lane<Letter>>>,
    tasks: TaskTracker,
}

impl Outbox {
    pub(crate) fn new(carrier: Carrier, tasks: TaskTracker) -> Arc<Self> {
        Arc::new(Outbox { carrier, lanes: Mutex::default(), tasks })
    }

    /// Sends a parcel and waits for its fate. When cancelled it may still be sent.
    pub(crate) async fn post(self: &Arc<Self>, parcel: Parcel) -> Result<Fate> {
        let route = parcel.route;
        let (sender, fate) = oneshot::channel();
        let batch = self.with_lane(route, |lane| {
            lane.push(parcel.bytes(), Letter { parcel, sender });
            lane.start()
        });
        if let Some(batch) = batch {
            self.tasks.spawn(Arc::clone(self).work(route, batch));
        }
        match fate.await {
            Ok(verdict) => Ok(verdict?),
            Err(_) => Err(BackendError::Closed),
        }
    }

    /// Carries batch after batch until the lane has no more for this task.
    async fn work(self: Arc<Self>, route: Route, mut batch: Vec<Letter>) {
        loop {
            let (parcels, senders): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|letter| (letter.parcel, letter.sender)).unzip();
            let fates = self.carrier.carry(route, &parcels).await;
            for (sender, fate) in senders.into_iter().zip(fates) {
                // Whoever was cancelled does not listen any more.
                let _ = sender.send(fate);
            }
            let next = self.with_lane(route, |lane| {
                lane.finished();
                lane.start()
            });
            match next {
                Some(next) => batch = next,
                None => return,
            }
        }
    }

    /// Uses a lane, which exists for as long as it has work.
    fn with_lane<T>(&self, route: Route, use_it: impl FnOnce(&mut Lane<Letter>) -> T) -> T {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.entry(route).or_insert_with(|| Lane::new(MOST_BYTES));
        let value = use_it(lane);
        if lane.is_idle() {
            lanes.remove(&route);
        }
        value
    }
}
