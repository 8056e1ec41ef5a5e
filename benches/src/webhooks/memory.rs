//! What an instance keeps in memory for a webhook that waits: for an answer, for its turn, or for the next try.

use std::time::Duration;

use tokio::time::sleep;

use super::receiver::Receiver;
use crate::Error;
use crate::client::start_hooked;
use crate::compare::next_number;
use crate::figures::median;
use crate::process::Process;
use crate::report::webhooks::Memory;
use crate::script::large;
use crate::server::Contender;

/// How many webhooks each host has.
const ON_A_HOST: usize = 50;
/// How large the one chunk of each task is.
const SIZES: [usize; 2] = [120, 64 * 1024];
/// By then all tasks have ended, and no call has timed out yet.
const SETTLED: Duration = Duration::from_secs(5);
/// Resident memory is looked at so often, and so far apart.
const LOOKS: usize = 5;
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// What becomes of the webhooks before they are told the chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// They answer no more.
    Hang,
    /// Nobody listens any more.
    GoAway,
    /// There were none.
    Nothing,
}

pub(super) async fn measure(deliveries: usize) -> Result<Vec<Memory>, Error> {
    let mut all = Vec::new();
    for bytes in SIZES {
        let without = resident(bytes, deliveries, Then::Nothing).await?;
        let hangs = resident(bytes, deliveries, Then::Hang).await?;
        let away = resident(bytes, deliveries, Then::GoAway).await?;
        let each = |all: f64| (all - without) / deliveries as f64;
        all.push(Memory { bytes, deliveries, hangs_kib: each(hangs), away_kib: each(away) });
    }
    Ok(all)
}

/// What so many tasks with a webhook each, or none, add to the resident memory, in KiB. Each webhook has taken the task as
/// it began; what it waits with is the chunk.
async fn resident(bytes: usize, tasks: usize, then: Then) -> Result<f64, Error> {
    let receiver = Receiver::new(Duration::ZERO).await?;
    let mut process = Process::start(Contender::Hooked).await?;
    let before = process.steady_memory().await?;
    for task in 0..tasks {
        let url = (then != Then::Nothing).then(|| receiver.url(task / ON_A_HOST));
        start_hooked(process.port(0), next_number(), &large(bytes), url.as_deref()).await?;
    }
    let hanging = match then {
        Then::Nothing => None,
        Then::Hang => {
            receiver.called(tasks).await;
            receiver.hang();
            Some(receiver)
        }
        Then::GoAway => {
            receiver.called(tasks).await;
            receiver.go_away().await;
            None
        }
    };
    process.go().await?;
    sleep(SETTLED).await;
    let mut looks = Vec::new();
    for _ in 0..LOOKS {
        looks.push(process.memory()?);
        sleep(LOOK_EVERY).await;
    }
    drop(hanging);
    Ok(median(looks) - before)
}
