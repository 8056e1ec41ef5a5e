//! How many calls one instance makes to webhooks that answer at once, and what CPU one takes.

use std::time::{Duration, Instant};

use super::receiver::Receiver;
use crate::Error;
use crate::client::start_hooked;
use crate::compare::next_number;
use crate::figures::median;
use crate::process::Process;
use crate::report::webhooks::Rate;
use crate::script::states;
use crate::server::Contender;

/// With as many as one caller's webhooks may be called at once, none waits for its turn.
const WEBHOOKS: [usize; 3] = [64, 256, 1_024];
/// The webhooks are on so many hosts: one host may be called 32 times at once, and one caller's webhooks 64 times.
const HOSTS: usize = 4;
/// How many states each task shows: fewer than those of which the task as a whole takes the place.
const STATES: usize = 200;

pub(super) async fn measure(rounds: usize) -> Result<Vec<Rate>, Error> {
    let mut all = Vec::new();
    // One round after the other, so that all sizes have their share of what else the machine does.
    for _ in 0..rounds {
        for webhooks in WEBHOOKS {
            all.push(round(webhooks).await?);
        }
    }
    Ok(WEBHOOKS.map(|webhooks| middle(all.iter().filter(|rate| rate.webhooks == webhooks), webhooks)).into())
}

fn middle<'a>(rates: impl Iterator<Item = &'a Rate> + Clone, webhooks: usize) -> Rate {
    Rate {
        webhooks,
        calls_a_second: median(rates.clone().map(|rate| rate.calls_a_second)),
        cpu_ms_per_1000_calls: median(rates.clone().map(|rate| rate.cpu_ms_per_1000_calls)),
        calls: rates.map(|rate| rate.calls).sum(),
    }
}

/// From when the agents may go on to the last call.
async fn round(webhooks: usize) -> Result<Rate, Error> {
    let receiver = Receiver::new(Duration::ZERO).await?;
    let mut process = Process::start(Contender::Hooked).await?;
    for task in 0..webhooks {
        let url = receiver.url(task % HOSTS);
        start_hooked(process.port(0), next_number(), &states(STATES), Some(&url)).await?;
    }
    // Each was told the task as it began.
    receiver.called(webhooks).await;
    let (before, cpu, began) = (receiver.calls(), process.cpu()?, Instant::now());
    process.go().await?;
    receiver.ends(webhooks).await?;
    let (took, calls) = (began.elapsed(), receiver.calls() - before);
    if calls < (webhooks * STATES) as u64 {
        return Err(format!("{calls} calls told {STATES} states of {webhooks} tasks").into());
    }
    Ok(Rate {
        webhooks,
        calls_a_second: calls as f64 / took.as_secs_f64(),
        cpu_ms_per_1000_calls: (process.cpu()? - cpu) / calls as f64 * 1000.0,
        calls,
    })
}
