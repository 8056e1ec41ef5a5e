//! How much memory an idle open stream takes.

use super::turn::{Turn, next_number};
use crate::Error;
use crate::client::{Connection, Heard, start_task, subscribe};
use crate::process::Process;
use crate::script::WAIT;
use crate::server::Contender;

/// Over how many tasks the streams are spread.
const TASKS: usize = 100;

/// Opens the streams. In the result, `memory` is KB per stream.
pub(super) async fn take(contender: Contender, streams: usize) -> Result<Turn, Error> {
    let process = Process::start(contender).await?;
    let mut ids = Vec::new();
    for n in 0..TASKS {
        ids.push((process.port(n), start_task(process.port(n), next_number(), WAIT).await?));
    }
    let before = process.steady_memory().await?;
    let cpu = process.cpu()?;
    let mut open = Vec::with_capacity(streams);
    for (_, (port, id)) in (0..streams).zip(ids.iter().cycle()) {
        let mut connection = Connection::open(*port).await?;
        let mut heard = Heard::default();
        connection.send(&subscribe(id)).await?;
        while heard.events == 0 {
            if connection.read(&mut heard).await? {
                return Err("a stream ended before its task".into());
            }
        }
        open.push(connection);
    }
    let opened = process.cpu()?;
    let after = process.steady_memory().await?;
    Ok(Turn {
        rate: f64::NAN,
        cpu: (opened - cpu) / streams as f64 * 1000.0,
        p50: f64::NAN,
        p99: f64::NAN,
        cut: 0,
        memory: (after - before) / streams as f64,
    })
}
