//! An instance's own heartbeat.

use std::sync::Arc;
use std::time::Duration;

use a2a_core::{BackendError, Beat, Member, MemberState, Trouble};
use futures::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep_until, timeout};

use super::Members;
use crate::ground::Chain;

/// The shortest and the longest pause before a beat that failed is tried again, while this instance has its lease. So
/// short, because a store under overload refuses most writes, not all: whoever tries often enough gets through. Others
/// may see this instance stand still for a lease although it tried for two thirds of that only.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(80));

/// The same once the lease is over: by then another 100 ms decide nothing.
const LATER: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(200));

/// The same where the store denies the beat. Whoever mends that takes seconds.
const DENIED: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(1_000));

/// What a beat is called among what the store denies.
const OPERATION: &str = "a heartbeat";

/// After which part of a beat's interval without an answer another call is made beside those under way: two that hang in a
/// row would cost a lease.
const PATIENCE: u32 = 5;

/// How many calls of one beat may be under way.
const AT_ONCE: usize = 5;

/// Beats until the instance closes or is evicted. The first beat is due at once: it says that the instance serves.
///
/// An instance that could not beat for the lease time may have been declared dead: it takes no new work until
/// a beat tells it that it lives.
pub(crate) async fn beat(members: Arc<Members>) {
    let interval = members.ground.config.beat_interval;
    let mut due = Instant::now();
    let mut tells_of_drain = false;
    loop {
        let beaten = async {
            tokio::select! {
                biased;
                // One that is dropped ends without a word.
                () = members.ground.stop.closing.cancelled() => std::future::pending().await,
                // Others are to know at once that this instance takes nothing more.
                () = members.ground.stop.draining.cancelled(), if !tells_of_drain => {
                    tells_of_drain = true;
                    due = due.min(Instant::now());
                }
                () = sleep_until(due) => {}
            }
            until_answered(&members, due).await
        };
        match members.ground.stop.closing.run_until_cancelled(beaten).await {
            Some(Beat::Alive) => due = (due + interval).max(Instant::now()),
            Some(Beat::Evicted) => {
                members.ground.evicted();
                return;
            }
            None => return,
        }
    }
}

/// Sends one beat again and again until it is answered. The same counter is written each time, so that an unknown
/// outcome does no harm.
async fn until_answered(members: &Members, due: Instant) -> Beat {
    let config = &members.ground.config;
    let me = Member {
        id: members.ground.id,
        beat: members.ground.liveness.next_beat(),
        state: if members.ground.stop.draining.is_cancelled() {
            MemberState::Draining
        } else {
            MemberState::Serving
        },
        reach: members.ground.connection.look(),
        label: members.ground.label.clone(),
    };
    let (mut calls, mut failures, mut next) = (FuturesUnordered::new(), 0_u32, Instant::now());
    let mut denied = false;
    loop {
        tokio::select! {
            biased;
            Some((sent, answered)) = calls.next() => {
                match answered {
                    Ok(Ok(answer)) => {
                        if answer == Beat::Alive {
                            members.ground.liveness.beaten(due, sent, config.beat_interval);
                            members.ground.meters.beats.increment(1);
                            members.ground.health.members.succeeded();
                            members.ground.denials.answered(OPERATION);
                        }
                        return answer;
                    }
                    Ok(Err(error)) => {
                        denied = is_denied(members, &error);
                        missed(members, &mut failures, denied, &Chain(&error));
                    }
                    Err(elapsed) => missed(members, &mut failures, false, &elapsed),
                }
                if members.ground.liveness.silence() >= config.cut_off_limit.max(config.lease * 2) {
                    tracing::error!("this instance was cut off from the store for too long; it gives up its place");
                    return Beat::Evicted;
                }
                next = next.min(Instant::now() + pause(members, denied));
            }
            () = sleep_until(next), if calls.len() < AT_ONCE => {
                let sent = Instant::now();
                // A call that hangs is given up, as one that fails; and before that, others are made beside it.
                let call = timeout(config.beat_interval, members.ground.members.beat(&me));
                calls.push(call.map(move |answered| (sent, answered)));
                next = sent + config.beat_interval / PATIENCE;
            }
        }
    }
}

/// How long to wait before a beat that failed is tried again.
fn pause(members: &Members, denied: bool) -> Duration {
    let config = &members.ground.config;
    let is_fresh = members.ground.liveness.is_fresh(config.lease);
    let (shortest, longest) = match (denied, is_fresh) {
        // Never so long that a beat is missed for it.
        (true, _) => (DENIED.0.min(config.beat_interval / 10), DENIED.1.min(config.beat_interval / 5)),
        (false, true) => PAUSE,
        (false, false) => LATER,
    };
    shortest + (longest - shortest).mul_f64(members.ground.env.chance())
}

/// Tells whether a beat was denied, and takes note of that.
fn is_denied(members: &Members, error: &BackendError) -> bool {
    let denied = error.trouble() == Some(Trouble::Denied);
    if denied && !members.ground.budget.is_told() {
        members.ground.denials.denied(OPERATION, true, &Chain(error));
    }
    denied
}

fn missed(members: &Members, failures: &mut u32, told: bool, error: &dyn std::fmt::Display) {
    members.ground.health.members.failed(members.ground.config.unready_after);
    members.ground.liveness.missed(members.ground.config.lease);
    // Several a second for as long as the store is away: one line in a while says as much.
    if !told && (failures.is_power_of_two() || *failures == 0) {
        let failures = *failures + 1;
        tracing::warn!(%error, failures, "a heartbeat failed; it is sent again until it is answered");
    }
    *failures = failures.saturating_add(1);
}
