//! One task that many clients watch.

use std::time::Duration;

use tokio::task::JoinSet;

use super::turn::{Turn, next_number};
use crate::Error;
use crate::client::{Connection, Heard, start_task, subscribe};
use crate::figures::percentile;
use crate::process::Process;
use crate::script::timed;
use crate::server::Contender;

/// Chunks that the task's agent says, and the time between them.
const CHUNKS: usize = 40;
const GAP: Duration = Duration::from_millis(25);

/// Opens the streams, lets the agent speak, and counts deliveries. A contender serves one fan-out.
pub(super) async fn take(contender: Contender, streams: usize) -> Result<Turn, Error> {
    let mut process = Process::start(contender).await?;
    let script = timed(CHUNKS, GAP);
    let id = start_task(process.port(0), next_number(), &script).await?;
    let mut open = Vec::with_capacity(streams);
    for _ in 0..streams {
        // On one instance: what goes to others is another question.
        let mut connection = Connection::open(process.port(0)).await?;
        let mut heard = Heard::default();
        connection.send(&subscribe(&id)).await?;
        while heard.events == 0 {
            if connection.read(&mut heard).await? {
                return Err("a stream ended before its task".into());
            }
        }
        open.push((connection, heard));
    }
    let cpu = process.cpu()?;
    process.go().await?;
    let mut reading = JoinSet::new();
    for (mut connection, mut heard) in open {
        reading.spawn(async move {
            while !connection.read(&mut heard).await? {}
            Ok::<_, Error>(heard)
        });
    }
    let mut turn = Turn::default();
    let mut delays = Vec::with_capacity(streams * CHUNKS);
    while let Some(read) = reading.join_next().await {
        let heard = read??;
        turn.cut += usize::from(heard.cut > 0 || heard.chunks != CHUNKS);
        delays.extend(heard.delays);
    }
    let deliveries = delays.len() as f64;
    turn.rate = f64::NAN;
    turn.cpu = (process.cpu()? - cpu) / deliveries * 1000.0;
    turn.p50 = percentile(&mut delays, 0.5) as f64 / 1e6;
    turn.p99 = percentile(&mut delays, 0.99) as f64 / 1e6;
    turn.memory = process.memory()? / 1024.0;
    Ok(turn)
}
