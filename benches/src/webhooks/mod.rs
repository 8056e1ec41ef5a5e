//! What webhooks cost: calls, CPU, memory, time; and that they cost nothing where nobody has one.

mod delay;
mod memory;
mod rate;
mod receiver;

use clap::Args;

use crate::Error;
use crate::growth::unhooked;
use crate::report::webhooks::{Measured, Unhooked};
use crate::report::{self, shown};

/// How much to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Fewer deliveries, shorter streams, one round.
    #[arg(long)]
    quick: bool,
    /// Records what was measured in `benches/results`, and redraws what shows it.
    #[arg(long, conflicts_with = "quick")]
    record: bool,
}

/// Measures, and prints what was found.
pub(crate) async fn run(options: &Options) -> Result<(), Error> {
    let (rounds, deliveries) = if options.quick { (1, 200) } else { (3, 2_000) };
    let lengths: &[usize] = if options.quick { &[100, 1_000] } else { &[100, 1_000, 5_000, 20_000] };
    let without = tokio::task::spawn_blocking(|| [1, 1_000].map(unhooked_task)).await?;
    let measured = Measured {
        machine: report::machine(),
        rate: rate::measure(rounds).await?,
        memory: memory::measure(deliveries).await?,
        delay: delay::measure(lengths, rounds).await?,
        without: without.into_iter().collect::<Result<_, Error>>()?,
    };
    println!("{}\n\n{}", measured.machine, measured.tables());
    if options.record {
        std::fs::write(shown::webhooks_file(), serde_json::to_string_pretty(&measured)? + "\n")?;
        shown::redraw()?;
    }
    Ok(())
}

fn unhooked_task(chunks: usize) -> Result<Unhooked, Error> {
    let calls = |is_hooked| {
        let calls = unhooked::calls(is_hooked, chunks)?;
        Ok::<_, Error>(calls.into_iter().map(|(call, count)| (call.to_owned(), count)).collect())
    };
    Ok(Unhooked { chunks, undeclared: calls(false)?, declared: calls(true)? })
}
