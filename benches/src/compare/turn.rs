//! One contender's turn in a round: clients in a closed loop, for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Error;
use crate::client::{Connection, Heard, send_message};
use crate::figures::percentile;
use crate::process::Process;

/// Numbers requests, so that no message repeats another.
static NUMBER: AtomicU64 = AtomicU64::new(1);

pub(crate) fn next_number() -> u64 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// What one turn came to.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub(crate) struct Turn {
    /// Things done per second.
    pub(crate) rate: f64,
    /// Milliseconds of the server's CPU per 1,000 things.
    pub(crate) cpu: f64,
    /// Of what a client waits for, in milliseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Answers that ended before their task did.
    pub(crate) cut: usize,
    /// Resident memory of the server afterwards, MiB.
    pub(crate) memory: f64,
}

/// What clients ask for in a closed loop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand {
    pub(crate) method: &'static str,
    pub(crate) script: &'static str,
    /// Chunks are counted, and their delay; otherwise answers, and the time that they take.
    pub(crate) by_chunk: bool,
}

/// Lets clients ask for one thing after the other.
pub(crate) async fn take(
    process: &Process,
    demand: Demand,
    clients: usize,
    time: Duration,
) -> Result<Turn, Error> {
    let cpu = process.cpu()?;
    let start = Instant::now();
    let end = start + time;
    let mut asking = JoinSet::new();
    let demand = Arc::new(demand);
    for n in 0..clients {
        asking.spawn(ask(process.port(n), Arc::clone(&demand), end));
    }
    let mut things = 0;
    let mut waits = Vec::new();
    let mut turn = Turn::default();
    while let Some(asked) = asking.join_next().await {
        let (heard, answers) = asked??;
        turn.cut += heard.cut;
        if demand.by_chunk {
            things += heard.chunks;
            waits.extend(heard.delays);
        } else {
            things += answers.len();
            waits.extend(answers);
        }
    }
    let elapsed = start.elapsed().as_secs_f64();
    turn.rate = things as f64 / elapsed;
    turn.cpu = (process.cpu()? - cpu) / things as f64 * 1000.0;
    turn.p50 = percentile(&mut waits, 0.5) as f64 / 1e6;
    turn.p99 = percentile(&mut waits, 0.99) as f64 / 1e6;
    turn.memory = process.memory()? / 1024.0;
    Ok(turn)
}

async fn ask(port: u16, demand: Arc<Demand>, end: Instant) -> Result<(Heard, Vec<u64>), Error> {
    let mut connection = Connection::open(port).await?;
    let mut heard = Heard::default();
    let mut answers = Vec::new();
    loop {
        let start = Instant::now();
        if start >= end {
            return Ok((heard, answers));
        }
        let request = send_message(demand.method, next_number(), demand.script, false);
        connection.call(&request, &mut heard).await?;
        answers.push(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
}
