//! Repeating store calls: with backoff and jitter, for as long as it makes sense, paid from the instance's budget.

use std::time::Duration;

use a2a_core::{BackendError, Env, Result, TaskKey, Trouble};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::pressure::Place;
use super::{Chain, Ground};

/// What a call is called among what the store denies. Stores that tell of their attempts name theirs themselves.
const OPERATION: &str = "a call";

/// A budget of attempts for calls that are idempotent.
#[derive(Debug)]
pub(crate) struct Retry<'a> {
    ground: &'a Ground,
    stop: &'a CancellationToken,
    pause: Duration,
    longest: Duration,
    deadline: Option<Instant>,
    /// The last retry was paid for.
    paid: bool,
    /// When the attempt began that is under way.
    began: Instant,
    /// How long one call may take: what is not answered by then is called again.
    call_limit: Duration,
    /// It is a commit to this task. Where it is throttled, its pause follows from its place in the line.
    commits_to: Option<&'a TaskKey>,
    place: Option<Place>,
}

impl<'a> Retry<'a> {
    pub(crate) fn new(ground: &'a Ground, stop: &'a CancellationToken, patience: Option<Duration>) -> Self {
        Retry {
            ground,
            stop,
            pause: ground.config.retry_min,
            longest: ground.config.retry_max,
            paid: false,
            deadline: patience.map(|patience| Instant::now() + patience),
            began: Instant::now(),
            call_limit: patience.unwrap_or(ground.config.lease).min(ground.config.lease),
            commits_to: None,
            place: None,
        }
    }

    /// The same for a commit to this task.
    pub(crate) fn of_commit(self, key: &'a TaskKey) -> Self {
        Retry { commits_to: Some(key), ..self }
    }

    /// The same for as long as the instance runs agents, from where this one stands.
    pub(crate) fn until_stopped(self) -> Self {
        let Retry { ground, commits_to, place, .. } = self;
        Retry { commits_to, place, ..ground.retry_until_stopped() }
    }

    /// Calls until the answer is not a transient failure, the deadline passes or the instance stops.
    pub(crate) async fn run<T, F>(mut self, mut call: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        loop {
            match bounded(self.call_limit, call()).await {
                Err(error) if error.is_transient() => self.pause(error).await?,
                answer => {
                    if answer.is_ok() {
                        self.answered();
                    }
                    return answer;
                }
            }
        }
    }

    /// Takes note of an attempt that was answered.
    pub(crate) fn answered(&self) {
        self.ground.health.tasks.succeeded();
        self.ground.denials.answered(OPERATION);
        self.ground.budget.succeeded(self.paid);
    }

    /// Waits before the next attempt, or gives the failure back when there is none.
    ///
    /// None begins that would be answered after the deadline if it took twice as long as the one before: what is on its way
    /// then has an outcome that nobody knows, while what was refused before may be sent again.
    ///
    /// What ends by itself is soon tried again; where less has to be asked, or somebody has to mend something, that takes
    /// longer. Without budget all wait as long as they may: nothing is given up for it.
    pub(crate) async fn pause(&mut self, failure: BackendError) -> Result<()> {
        self.ground.health.tasks.failed(self.ground.config.unready_after);
        let trouble = failure.trouble().unwrap_or(Trouble::Away);
        match trouble {
            Trouble::Denied if !self.ground.budget.is_told() => {
                self.ground.denials.denied(OPERATION, true, &Chain(&failure));
            }
            Trouble::Throttled => {
                if let Some(key) = self.commits_to {
                    self.ground.pressure.throttled(key);
                }
            }
            _ => {}
        }
        if trouble != Trouble::Throttled {
            // What waits for something else keeps nobody back in the line.
            self.place = None;
        }
        let wanted = match trouble {
            Trouble::Away | Trouble::Contended => self.pause,
            Trouble::Throttled if self.commits_to.is_some() => {
                // Kept from one time to the next.
                let place = self.place.get_or_insert_with(|| self.ground.pressure.queue());
                self.ground.pressure.pause(place, self.longest)
            }
            Trouble::Throttled => self.pause.max(self.longest / 4),
            Trouble::Denied => self.longest,
        };
        let mut pause = jittered(&*self.ground.env, wanted);
        if self.is_over_after(pause) || self.stop.is_cancelled() {
            return Err(failure);
        }
        self.paid = self.ground.budget.try_retry();
        // Commits that are throttled ask for no more than the store takes, however many they are.
        let is_paced = self.commits_to.is_some() && trouble == Trouble::Throttled;
        if !self.paid && !is_paced {
            pause = pause.max(jittered(&*self.ground.env, self.longest));
            if self.is_over_after(pause) {
                return Err(failure);
            }
        }
        self.pause = (wanted * 2).min(self.longest);
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(failure),
            () = tokio::time::sleep(pause) => {
                self.ground.meters.store_retries.increment(1);
                self.began = Instant::now();
                Ok(())
            }
        }
    }

    /// Tells whether what is sent after a pause would be answered too late.
    fn is_over_after(&self, pause: Duration) -> bool {
        let now = Instant::now();
        let answered_in = (now - self.began).max(self.ground.config.retry_min) * 2;
        self.deadline.is_some_and(|deadline| now + pause + answered_in >= deadline)
    }
}

/// Gives a call up that is not answered in time. Only for what may be dropped: reads, and writes that may be repeated.
pub(crate) async fn bounded<T>(limit: Duration, call: impl Future<Output = Result<T>>) -> Result<T> {
    match timeout(limit, call).await {
        Ok(answer) => answer,
        Err(elapsed) => Err(BackendError::Indeterminate(elapsed.into())),
    }
}

/// Full jitter over the upper half of a pause: callers that failed together do not come back together.
pub(crate) fn jittered(env: &dyn Env, pause: Duration) -> Duration {
    pause.mul_f64(0.5 + env.chance() / 2.0)
}
