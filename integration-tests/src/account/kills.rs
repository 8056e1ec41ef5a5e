//! Processes die at random moments, and every stream is held against the log.

use super::budget::Units;
use super::phase::Verdict;
use super::stage::Stage;
use crate::processes::Cluster;
use crate::processes::kills;

/// What a process may call after its counters were read, and nobody counts: it dies at once, or gives back what it has.
pub(super) const AT_THE_END: Units = Units { writes: 40.0, reads: 40.0, publishes: 10.0, messages: 40.0 };

/// What is foreseen for so many kills: a round of three tasks each, and the time in between.
pub(super) fn cost(kills: usize, nodes: usize) -> Units {
    let round = Units { writes: 1_000.0, reads: 1_000.0, publishes: 200.0, messages: 1_000.0 };
    round.times((kills + nodes) as f64)
}

/// Kills as often as is wanted.
pub(super) async fn run(stage: &Stage, seed: u64) -> Verdict {
    let cluster = Box::pin(Cluster::start_on(stage.resources().await, stage.plan())).await;
    let kills = stage.options.kills;
    let outcome = Box::pin(kills::play(cluster, kills, seed, |round| {
        let victims: Vec<_> =
            round.victims.iter().map(|victim| format!("{} ({} tasks)", victim.name, victim.tasks)).collect();
        let taken_over =
            round.taken_over.map_or("-".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()));
        stage.say(&format!("    killed {}; taken over after {taken_over}", victims.join(" and ")));
    }))
    .await;
    stage.budget.add_counters(&outcome.bill);
    stage.budget.add_uncounted(AT_THE_END.times((outcome.kills + stage.options.nodes) as f64));
    if outcome.is_right() {
        let (kills, tasks, streams) = (outcome.kills, outcome.tasks, outcome.streams);
        return Ok(format!(
            "{kills} kills, {tasks} tasks, {streams} streams, {} of them broke",
            outcome.reconnects
        ));
    }
    let mut wrong = outcome.wrong;
    wrong.push(format!("{:?}; left: {:?}; seed {seed}", outcome.count, outcome.left));
    Err(wrong)
}
