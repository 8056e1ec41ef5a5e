//! All contenders, side by side: in each round each has a turn, so that what else the machine does meets them all.

mod fanout;
mod idle;
mod turn;
mod workload;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::Error;
use crate::figures::{exponent, median};
use crate::process::Process;
use crate::script::{ECHO, SHORT};
use crate::server::Contender;
use turn::Demand;
pub(crate) use turn::{Turn, next_number};
pub(crate) use workload::{Effort, Workload};

/// The lengths of long streams.
const LENGTHS: [(u32, &str); 5] = [
    (500, "work; burst 500 stamp:120; done"),
    (1_000, "work; burst 1000 stamp:120; done"),
    (2_000, "work; burst 2000 stamp:120; done"),
    (5_000, "work; burst 5000 stamp:120; done"),
    (10_000, "work; burst 10000 stamp:120; done"),
];

/// What one workload came to.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) workload: Workload,
    /// The chunks of a stream, where that is what varies.
    pub(crate) length: Option<u32>,
    /// Each contender's turns, in the order of the rounds.
    pub(crate) turns: BTreeMap<Contender, Vec<Turn>>,
}

impl Outcome {
    fn new(workload: Workload, length: Option<u32>) -> Self {
        Outcome { workload, length, turns: BTreeMap::new() }
    }

    fn add(&mut self, contender: Contender, turn: Turn) {
        self.turns.entry(contender).or_default().push(turn);
    }

    /// Returns the median over the rounds of one figure.
    pub(crate) fn median(&self, contender: Contender, figure: fn(&Turn) -> f64) -> f64 {
        median(self.turns.get(&contender).into_iter().flatten().map(figure))
    }

    /// Returns the median of the ratios of two contenders within each round.
    pub(crate) fn ratio(&self, of: Contender, to: Contender, figure: fn(&Turn) -> f64) -> f64 {
        let turns = |who| self.turns.get(&who).into_iter().flatten().map(figure);
        median(turns(of).zip(turns(to)).map(|(of, to)| of / to))
    }

    /// Returns how many answers ended early.
    pub(crate) fn cut(&self, contender: Contender) -> usize {
        self.turns.get(&contender).into_iter().flatten().map(|turn| turn.cut).sum()
    }
}

/// Runs one workload on the contenders.
pub(crate) async fn run(
    workload: Workload,
    effort: Effort,
    contenders: &[Contender],
) -> Result<Vec<Outcome>, Error> {
    let stream = |script| Demand { method: "SendStreamingMessage", script, by_chunk: true };
    let loops = |demand| rounds(workload, demand, effort, contenders);
    Ok(vec![match workload {
        Workload::Short => loops(Demand { by_chunk: false, ..stream(SHORT) }).await?,
        Workload::Echo => loops(Demand { method: "SendMessage", script: ECHO, by_chunk: false }).await?,
        Workload::Burst => loops(stream("work; burst 500 stamp:120; done")).await?,
        Workload::Yield => loops(stream("work; talk 500 0 stamp:120; done")).await?,
        Workload::Long => return long(effort, contenders).await,
        Workload::Fanout => {
            let mut outcome = Outcome::new(workload, None);
            for _ in 0..effort.rounds {
                for contender in contenders {
                    outcome.add(*contender, fanout::take(*contender, effort.fan).await?);
                }
            }
            outcome
        }
        Workload::Idle => {
            let mut outcome = Outcome::new(workload, None);
            for contender in contenders {
                outcome.add(*contender, idle::take(*contender, effort.idle).await?);
            }
            outcome
        }
    }])
}

async fn rounds(
    workload: Workload,
    demand: Demand,
    effort: Effort,
    contenders: &[Contender],
) -> Result<Outcome, Error> {
    let processes = start(contenders).await?;
    for (_, process) in &processes {
        turn::take(process, demand, effort.clients, effort.turn / 4).await?;
    }
    let mut outcome = Outcome::new(workload, None);
    for _ in 0..effort.rounds {
        for (contender, process) in &processes {
            outcome.add(*contender, turn::take(process, demand, effort.clients, effort.turn).await?);
        }
    }
    Ok(outcome)
}

/// One client reads one stream after the other, for each length.
async fn long(effort: Effort, contenders: &[Contender]) -> Result<Vec<Outcome>, Error> {
    let processes = start(contenders).await?;
    let mut outcomes: Vec<_> =
        LENGTHS.iter().map(|(length, _)| Outcome::new(Workload::Long, Some(*length))).collect();
    // The first round warms up.
    for round in 0..=effort.rounds {
        for ((_, script), outcome) in LENGTHS.iter().zip(&mut outcomes) {
            for (contender, process) in &processes {
                let demand = Demand { method: "SendStreamingMessage", script, by_chunk: true };
                let mut turn = turn::take(process, demand, 1, effort.turn / 4).await?;
                // What is of interest is the time of a whole stream.
                turn.p50 = f64::from(outcome.length.unwrap_or_default()) / turn.rate * 1000.0;
                if round > 0 {
                    outcome.add(*contender, turn);
                }
            }
        }
    }
    Ok(outcomes)
}

async fn start(contenders: &[Contender]) -> Result<Vec<(Contender, Process)>, Error> {
    let mut processes = Vec::new();
    for contender in contenders {
        processes.push((*contender, Process::start(*contender).await?));
    }
    // What a server does when it starts is not what is measured.
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(processes)
}

/// Returns the exponent with which a stream's time grows with its length.
pub(crate) fn growth(outcomes: &[Outcome], contender: Contender) -> f64 {
    let points = outcomes.iter().filter(|outcome| outcome.cut(contender) == 0).filter_map(|outcome| {
        let length = f64::from(outcome.length?);
        Some((length, length / outcome.median(contender, |turn| turn.rate)))
    });
    exponent(&points.collect::<Vec<_>>())
}
