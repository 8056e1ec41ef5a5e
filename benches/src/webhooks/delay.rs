//! How long after the end of a stream its webhook learns of it.

use std::time::Duration;

use super::receiver::Receiver;
use crate::Error;
use crate::client::start_hooked;
use crate::compare::next_number;
use crate::figures::median;
use crate::process::Process;
use crate::report::webhooks::Delay;
use crate::script::ticking;
use crate::server::Contender;

/// How far apart an agent's chunks are.
const EVERY: Duration = Duration::from_millis(1);
/// How long a slow webhook takes over a call.
const SLOW: Duration = Duration::from_millis(50);

pub(super) async fn measure(lengths: &[usize], rounds: usize) -> Result<Vec<Delay>, Error> {
    let mut all = Vec::new();
    for chunks in lengths.iter().copied() {
        let (fast_ms, fast_calls) = of(chunks, Duration::ZERO, rounds).await?;
        let (slow_ms, slow_calls) = of(chunks, SLOW, rounds).await?;
        all.push(Delay { chunks, fast_ms, fast_calls, slow_ms, slow_calls });
    }
    Ok(all)
}

/// Returns the median delay in milliseconds, and the median number of calls.
async fn of(chunks: usize, pause: Duration, rounds: usize) -> Result<(f64, f64), Error> {
    let (mut delays, mut calls) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let receiver = Receiver::new(pause).await?;
        let process = Process::start(Contender::Hooked).await?;
        let url = receiver.url(0);
        start_hooked(process.port(0), next_number(), &ticking(chunks, EVERY), Some(&url)).await?;
        delays.extend(receiver.ends(1).await?);
        calls.push(receiver.calls() as f64);
    }
    Ok((median(delays), median(calls)))
}
