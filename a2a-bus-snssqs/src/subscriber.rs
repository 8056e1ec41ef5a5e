//! How the topic reaches one endpoint: it is subscribed in the background, and shown by a probe, now and then, that what is
//! published arrives. Until then, and while it does not, the endpoint is reached directly.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use a2a_core::{Env, InstanceId, SystemEnv};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::backoff::Backoff;
use crate::error::{Failure, Verdict};
use crate::meter::{self, Call};
use crate::probe::Prober;
use crate::resources::{Resources, Subscription};

/// The pauses between attempts. A new filter policy takes up to 15 minutes, a quota lasts until an operator or another
/// instance's end frees something.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(120);

/// Within which time a filter policy is applied, and how often a probe is sent at least until then: it may be applied in one place
/// and not yet in another.
const APPLIES_WITHIN: Duration = Duration::from_secs(900);
const WHILE_NEW: Duration = Duration::from_secs(60);

/// Subscribes one instance, and knows how far it got.
#[derive(Debug)]
pub(crate) struct Subscriber {
    me: InstanceId,
    resources: Arc<Resources>,
    prober: Prober,
    state: Mutex<Subscription>,
    is_reached: AtomicBool,
}

impl Subscriber {
    pub(crate) fn new(me: InstanceId, resources: Arc<Resources>) -> Self {
        Subscriber {
            me,
            resources,
            prober: Prober::default(),
            state: Mutex::new(Subscription::Absent),
            is_reached: AtomicBool::new(false),
        }
    }

    /// What is to be removed in the end.
    pub(crate) fn state(&self) -> Subscription {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells whether the topic reaches the queue, as far as the last probes have shown.
    pub(crate) fn is_reached(&self) -> bool {
        self.is_reached.load(Ordering::Relaxed)
    }

    /// What hears of probes that arrive.
    pub(crate) fn prober(&self) -> &Prober {
        &self.prober
    }

    fn is(&self, state: Subscription) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Subscribes, and probes, until `stop`. Tells `looked` once it has done both for the first time, whatever came of it.
    ///
    /// A subscription that was tried is always awaited, so that whoever closes knows what there is to remove.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken, looked: oneshot::Sender<()>) {
        let mut looked = Some(looked);
        let mut backoff = Backoff::new(FIRST, LONGEST);
        let (mut missed, mut subscribed) = (0_u32, None);
        loop {
            let reaches = match self.subscribe(missed).await {
                Ok(is_asked) => {
                    if is_asked {
                        subscribed = Some(Instant::now());
                    }
                    let probed = Box::pin(self.prober.reaches(self.me, &self.resources));
                    stop.run_until_cancelled(probed).await
                }
                Err(_) => Some(false),
            };
            let Some(reaches) = reaches else { return };
            missed = if reaches { 0 } else { missed.saturating_add(1) };
            self.note(reaches, missed);
            if let Some(looked) = looked.take() {
                // Nobody listens any more where that took too long.
                let _ = looked.send(());
            }
            let pause = if reaches {
                backoff.reset();
                let is_new = subscribed.is_some_and(|since| since.elapsed() < APPLIES_WITHIN);
                let every = self.resources.config.probe_every;
                (if is_new { every.min(WHILE_NEW) } else { every }).mul_f64(0.75 + SystemEnv.chance() / 2.0)
            } else {
                backoff.pause(&SystemEnv)
            };
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// One probe may be late or lost: it takes two to unsay what an earlier one has shown.
    fn note(&self, reaches: bool, missed: u32) {
        let was = self.is_reached();
        let is = reaches || (was && missed < 2);
        self.is_reached.store(is, Ordering::Relaxed);
        meter::reached_by_topic(is);
        match (was, is) {
            (false, true) => info!(instance = %self.me, "the topic reaches this instance"),
            (true, false) => {
                meter::failed(Call::Probe);
                warn!(instance = %self.me, "the topic does not reach this instance any more: it is reached directly");
            }
            (false, false) if missed == 1 => {
                warn!(instance = %self.me, "the topic does not reach this instance yet: it is reached directly");
            }
            _ => {}
        }
    }

    /// Subscribes where that is not done, or where so many probes did not arrive that the subscription may be gone: an
    /// operator may have deleted it. Making one that is there changes nothing. Tells whether SNS was asked.
    async fn subscribe(&self, missed: u32) -> Result<bool, Failure> {
        let before = self.state();
        if matches!(before, Subscription::Made(_)) && missed < 2 {
            return Ok(false);
        }
        // Until there is an answer, and where there is none, nobody knows.
        self.is(Subscription::Unknown);
        match self.resources.subscribe(self.me).await {
            Ok(arn) => {
                self.is(Subscription::Made(arn));
                Ok(true)
            }
            Err(failure) => {
                if failure.verdict != Verdict::Indeterminate {
                    self.is(before);
                }
                meter::failed(Call::Subscribe);
                tracing::debug!(instance = %self.me, error = %failure, "no subscription yet");
                Err(failure)
            }
        }
    }
}
