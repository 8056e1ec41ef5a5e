//! The phases one after the other, as long as there is money; and in the end, however it comes, the removal of everything.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Duration, Instant, sleep};

use super::budget::{Budget, Units};
use super::options::{Options, fresh_name};
use super::pace::Pace;
use super::phase::Phase;
use super::stage::Stage;
use super::{tear_down, whose};
use crate::backends::Environment;

/// Nothing was wrong, and nothing is left, but not every phase was tried.
const NOT_ALL: u8 = 3;
const COUNTS_EVERY: Duration = Duration::from_secs(1);

/// Tries an account as `options` say, with `program` as the node, which is this one. Ends with 0 where all was tried and right, with
/// 3 where it stopped early and what was tried was right, else with 1.
pub async fn run(options: Options, program: PathBuf) -> ExitCode {
    let environment = Environment::read().await;
    match whose::tell(&environment).await {
        Ok(whose) => println!("{whose}"),
        Err(why) => {
            println!("WRONG: {why}");
            return ExitCode::FAILURE;
        }
    }
    let pace = Pace::of(environment.is_aws());
    if let Some(name) = &options.tear_down {
        return if torn_down(&environment, name, pace).await { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let most = options.max_usd.unwrap_or_default();
    let name = fresh_name();
    println!(
        "makes tables, topics and queues whose names begin with {name}, for at most US$ {most}, and removes them again"
    );
    if !options.yes {
        println!("nothing was made: say --yes to begin");
        return ExitCode::FAILURE;
    }
    println!("should this program be killed, this removes what it leaves: trials account --tear-down {name}");
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}, {} processes", options.nodes);
    let budget = Budget::of(most, environment.meter().clone());
    let (topic, began) = (OnceLock::new(), Instant::now());
    let stage = Stage { environment, name, program, options, pace, budget, topic, began };
    let (wrong, is_whole) = play(&stage, seed).await;
    stage.say("removes everything");
    let is_gone = torn_down(&stage.environment, &stage.name, pace).await;
    println!("{}", stage.budget.bill());
    match (wrong, is_gone, is_whole) {
        (false, true, true) => ExitCode::SUCCESS,
        (false, true, false) => ExitCode::from(NOT_ALL),
        _ => ExitCode::FAILURE,
    }
}

/// Plays the phases; tells whether anything was wrong, and whether all were tried.
async fn play(stage: &Stage, seed: u64) -> (bool, bool) {
    let mut wrong = false;
    let mut told_to_stop = Box::pin(told_to_stop());
    for phase in Phase::ALL {
        let name = phase.name();
        if !stage.budget.affords(phase.cost(stage)) {
            stage.say(&format!("budget spent: {name} could cost more than is left"));
            return (wrong, false);
        }
        stage.say(name);
        let verdict = tokio::select! {
            verdict = phase.run(stage, seed) => verdict,
            () = &mut told_to_stop => {
                stage.budget.add_uncounted(phase.uncounted(stage));
                stage.say(&format!("stopped in {name}"));
                return (wrong, false);
            }
            () = spent(&stage.budget) => {
                stage.budget.add_uncounted(phase.uncounted(stage));
                stage.say(&format!("budget spent in {name}"));
                return (wrong, false);
            }
        };
        match verdict {
            Ok(note) => stage.say(&format!("{name} ok: {note}")),
            Err(reasons) => {
                wrong = true;
                reasons.iter().for_each(|why| stage.say(&format!("{name} WRONG: {why}")));
                // Nothing else can be tried without.
                if phase == Phase::Provision {
                    return (wrong, false);
                }
            }
        }
    }
    (wrong, true)
}

/// Waits until somebody wants the trial to end.
async fn told_to_stop() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Waits until only the removal can be paid.
async fn spent(budget: &Budget) {
    while budget.affords(Units::default()) {
        sleep(COUNTS_EVERY).await;
    }
}

/// Removes everything of a name, and says so; tells whether it is gone.
async fn torn_down(environment: &Environment, name: &str, pace: Pace) -> bool {
    let (seen, left) = tear_down::run(environment, name, pace.removal).await;
    match left {
        Ok(left) if left.is_nothing() => {
            println!("removed {} things; left: {}", seen.len(), left.counts());
            true
        }
        Ok(left) => {
            println!("WRONG: left: {}: {left:?}", left.counts());
            false
        }
        Err(why) => {
            println!("WRONG: cannot be removed: {why}; try trials account --tear-down {name}");
            false
        }
    }
}
