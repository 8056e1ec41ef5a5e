//! Trials of real processes, in their long form. They start this program again as the process that is tried: with a port
//! it is the README's server with an agent of its own, with any other arguments `a2a-node`.
//!
//! ```console
//! cargo run --release -p integration-tests --bin trials -- kills --kills 100
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::io::Read as _;
use std::process::ExitCode;
use std::time::Duration;

use a2a_cluster::Config;
use clap::{Parser, Subcommand};
use integration_tests::account;
use integration_tests::bad_weather::{self, Kind, Place};
use integration_tests::bus_weather;
use integration_tests::endpoint;
use integration_tests::own_server;
use integration_tests::processes::deaths::{self, Death, Life};
use integration_tests::processes::drains;
use integration_tests::processes::kills::{self, Outcome, Round};
use integration_tests::processes::load;
use integration_tests::processes::webhooks::{self, Kill};
use integration_tests::processes::{LIFELINE, Plan};

#[derive(Debug, Parser)]
#[command(about = "Trials of real processes on AWS services")]
struct Trials {
    #[command(subcommand)]
    trial: Trial,
}

#[derive(Debug, Subcommand)]
enum Trial {
    /// Kills processes at random moments, and counts what that does to clients.
    Kills {
        /// How many.
        #[arg(long, default_value_t = 100)]
        kills: usize,
        /// Decides moments and victims; a fresh one where none is given.
        #[arg(long)]
        seed: Option<u64>,
        /// How many processes there are at any time.
        #[arg(long, default_value_t = 3)]
        nodes: usize,
        /// Lets the tasks of the dead fail, instead of going on elsewhere.
        #[arg(long)]
        fail: bool,
        /// Has a mild day of AWS's before the endpoint.
        #[arg(long)]
        weather: bool,
    },
    /// Kills processes that deliver to webhooks, and holds what the webhooks took against the tasks.
    Webhooks {
        /// How many.
        #[arg(long, default_value_t = 100)]
        kills: usize,
        /// Decides moments and victims; a fresh one where none is given.
        #[arg(long)]
        seed: Option<u64>,
        /// How many processes there are at any time.
        #[arg(long, default_value_t = 3)]
        nodes: usize,
    },
    /// Kills processes of the README's server while they start, run and drain, and counts what is left.
    Deaths {
        /// How many in each of the three.
        #[arg(long, default_value_t = 30)]
        each: u32,
        /// How many live at a time, besides the survivor.
        #[arg(long, default_value_t = 3)]
        at_once: usize,
    },
    /// Restarts processes in turn behind a load balancer, and counts what clients are refused.
    Drains {
        /// How many.
        #[arg(long, default_value_t = 20)]
        restarts: usize,
        /// How many processes there are.
        #[arg(long, default_value_t = 2)]
        nodes: usize,
        /// Has a mild day of AWS's before the endpoint.
        #[arg(long)]
        weather: bool,
    },
    /// Plays each kind of bad weather before DynamoDB to instances in this process, and then overload.
    Weather {
        /// How many minutes clients offer twice what the table takes.
        #[arg(long, default_value_t = 30.0)]
        minutes: f64,
        /// How many seconds each of the other kinds lasts.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
        /// Decides what the weather draws; a fresh one where none is given.
        #[arg(long)]
        seed: Option<u64>,
        /// How many instances.
        #[arg(long, default_value_t = 3)]
        instances: usize,
        /// How many write units a second the table takes: so few that this machine can offer twice as many.
        #[arg(long, default_value_t = 100.0)]
        capacity: f64,
        /// Plays only kinds whose names hold this.
        #[arg(long)]
        only: Option<String>,
    },
    /// Has many instances in this process reach each other over SNS and SQS on a bad day: they start at once, are replaced, and
    /// lose SQS or the topic.
    Bus {
        /// How many start at once.
        #[arg(long, default_value_t = 300)]
        instances: usize,
        /// How many are replaced, while as many new ones run beside them.
        #[arg(long, default_value_t = 120)]
        rolling: usize,
        /// How often they are replaced.
        #[arg(long, default_value_t = 3)]
        rolls: usize,
        /// How many seconds SQS and SNS are away.
        #[arg(long, default_value_t = 300)]
        outage: u64,
        /// How many seconds each of the other scenes lasts.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
        /// Decides what the weather draws; a fresh one where none is given.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Begins many tasks at once, each watched on every other process; prints how fast that was, and for how much.
    Load {
        /// How many tasks.
        #[arg(long, default_value_t = 100)]
        tasks: usize,
        /// How many chunks each of them streams.
        #[arg(long, default_value_t = 20)]
        chunks: u32,
        /// How long the agent rests between two chunks, in milliseconds.
        #[arg(long, default_value_t = 50)]
        gap: u64,
        /// How many processes.
        #[arg(long, default_value_t = 3)]
        nodes: usize,
    },
    /// Makes a deployment of its own in the account that the environment names, tries it, removes everything, and says what it
    /// cost: docs/account.md.
    Account(account::Options),
}

fn main() -> ExitCode {
    let first = std::env::args().nth(1).unwrap_or_default();
    match first.as_str() {
        "kills" | "webhooks" | "deaths" | "drains" | "load" | "weather" | "bus" | "account" | "-h"
        | "--help" | "" => {
            return tried(Trials::parse().trial);
        }
        _ => end_with_the_lifeline(),
    }
    if first.parse::<u16>().is_err() {
        return a2a_node::run();
    }
    match own_server::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn end_with_the_lifeline() {
    if std::env::var_os(LIFELINE).is_some() {
        std::thread::spawn(|| {
            let mut nothing = [0; 1];
            while std::io::stdin().read(&mut nothing).is_ok_and(|read| read > 0) {}
            std::process::exit(1);
        });
    }
}

#[tokio::main]
async fn tried(trial: Trial) -> ExitCode {
    if let Trial::Weather { minutes, seconds, seed, instances, capacity, only } = trial {
        let seed = seed.unwrap_or_else(|| fastrand::u64(..));
        println!("seed {seed}, {instances} instances, a table of {capacity} write units a second");
        let place = Place::start(instances, seed, Config::default()).await;
        let each = (Duration::from_secs(seconds), Duration::from_secs_f64(minutes * 60.0));
        let wrong = bad_weather(place, capacity, each, &only.unwrap_or_default()).await;
        return if wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    let Ok(program) = std::env::current_exe() else { return ExitCode::FAILURE };
    if let Trial::Account(options) = trial {
        return Box::pin(account::run(options, program)).await;
    }
    let Some(aws) = endpoint::aws() else { return ExitCode::FAILURE };
    let is_right = match trial {
        Trial::Kills { kills, seed, nodes, fail, weather } => {
            let seed = seed.unwrap_or_else(|| fastrand::u64(..));
            println!("seed {seed}, {nodes} processes");
            println!("{HEAD}");
            let plan = Plan { nodes, resume: !fail, ..Plan::of(program) };
            let plan = if weather { plan.in_weather(seed) } else { plan };
            let outcome = kills::run(plan, aws, kills, seed, show).await;
            sum_up(outcome)
        }
        Trial::Webhooks { kills, seed, nodes } => {
            let seed = seed.unwrap_or_else(|| fastrand::u64(..));
            println!("seed {seed}, {nodes} processes");
            println!("  kill  after ms  killed (tasks it had)  calls by then");
            let plan = Plan { nodes, ..Plan::of(program) };
            let outcome =
                webhooks::run(plan, aws, kills, seed, |Kill { number, moment, victim, tasks, calls }| {
                    let (killed, moment) = (format!("{victim} ({tasks})"), moment.as_millis());
                    println!("{number:6}  {moment:8}  {killed:21}  {calls:13}");
                });
            let outcome = outcome.await;
            print!("{outcome}");
            outcome.is_right(kills)
        }
        Trial::Deaths { each, at_once } => {
            let tell = |Death { phase, after }: &Death, life: &Life| {
                let how = if life.was_killed { "" } else { "  had ended by itself" };
                println!("{phase:?}\t{:5} ms  {:3} tasks{how}", after.as_millis(), life.tasks.len());
            };
            let outcome = deaths::run(program, aws, each, at_once, tell).await;
            let deaths::Outcome { kills, tasks, cleaned_within, .. } = &outcome;
            println!(
                "{kills} kills, {tasks} tasks; nothing was left {} ms later",
                cleaned_within.as_millis()
            );
            outcome.wrong.iter().for_each(|why| println!("WRONG: {why}"));
            outcome.wrong.is_empty()
        }
        Trial::Drains { restarts, nodes, weather } => {
            let plan = Plan { nodes, ..Plan::of(program) };
            let plan = if weather { plan.in_weather(fastrand::u64(..)) } else { plan };
            let outcome = drains::run(plan, aws, restarts, |number| println!("{number} restarted")).await;
            let drains::Outcome { met, unreachable, left } = &outcome;
            println!("{} sends and {} streams; {unreachable} connections refused", met.sends, met.streams);
            println!("left after the last shutdown: {left:?}");
            met.wrong.iter().for_each(|why| println!("WRONG: {why}"));
            outcome.is_right()
        }
        Trial::Weather { .. } | Trial::Account(_) => true,
        Trial::Bus { instances, rolling, rolls, outage, seconds, seed } => {
            let seed = seed.unwrap_or_else(|| fastrand::u64(..));
            println!("seed {seed}");
            let [outage, seconds] = [outage, seconds].map(Duration::from_secs);
            bad_bus(aws, seed, [instances, rolling, rolls], outage, seconds).await
        }
        Trial::Load { tasks, chunks, gap, nodes } => {
            let plan = Plan { nodes, lease: Duration::from_secs(15), ..Plan::of(program) };
            let figures = load::run(plan, aws, tasks, chunks, Duration::from_millis(gap)).await;
            print!("{figures}");
            figures.review.wrong.iter().for_each(|why| println!("WRONG: {why}"));
            figures.is_right()
        }
    };
    if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plays one kind after the other, and tells whether any of them did harm.
async fn bad_weather(place: Place, capacity: f64, lasts: (Duration, Duration), only: &str) -> bool {
    let trial = bad_weather::Trial::begin(place, capacity).await;
    let cost = trial.cost(Duration::from_secs(10)).await;
    println!("a task takes {:.1} write units in fair weather, and {:.1} in overload", cost.usual, cost.least);
    let overload = (Kind::overload(capacity), lasts.1);
    let kinds = Kind::all(capacity).into_iter().map(|kind| (kind, lasts.0)).chain([overload]);
    let mut wrong = Vec::new();
    for (kind, lasts) in kinds.filter(|(kind, _)| kind.name.contains(only)) {
        let figures = trial.play(&kind, cost, lasts).await;
        print!("{figures}");
        figures.wrong().iter().for_each(|why| println!("    WRONG: {why}"));
        wrong.extend(figures.wrong());
    }
    trial.end().await;
    !wrong.is_empty()
}

/// Plays all scenes of the bus, and tells whether none of them did harm.
async fn bad_bus(
    aws: &'static endpoint::Aws,
    seed: u64,
    [instances, rolling, rolls]: [usize; 3],
    outage: Duration,
    lasts: Duration,
) -> bool {
    // AWS has 200 filters a topic, and applies one within 15 minutes: within one here, so that the trial sees both.
    let begin = |place| bus_weather::Trial::begin(place, 200, Duration::from_secs(60));
    let mut is_right = true;
    let mut show = |report: bus_weather::Report| {
        print!("{report}");
        report.faults().iter().for_each(|why| println!("    WRONG: {why}"));
        is_right &= report.faults().is_empty();
    };
    let mut trial = begin(bus_weather::Place::make(&aws.account(), seed).await);
    show(trial.start(instances, lasts).await);
    let mut left_over = vec![trial.end().await];

    let mut trial = begin(bus_weather::Place::make(&aws.account(), seed).await);
    show(trial.start(rolling, lasts).await);
    for _ in 0..rolls {
        show(trial.roll(lasts).await);
    }
    show(trial.denied(rolling / 10, lasts).await);
    show(trial.noise(lasts).await);
    show(trial.outage(outage).await);
    left_over.push(trial.end().await);
    println!("queues and subscriptions that are left: {left_over:?}");
    is_right && left_over.iter().all(|left| *left == [0, 0])
}

const HEAD: &str = "  kill  after ms  killed (tasks it ran)  streams  again  committed  received  missing  doubled  strange  moves again after ms";

fn show(round: &Round) {
    let count = round.review.count;
    let victims: Vec<_> =
        round.victims.iter().map(|victim| format!("{} ({})", victim.name, victim.tasks)).collect();
    println!(
        "{:6}  {:8}  {:21}  {:7}  {:5}  {:9}  {:8}  {:7}  {:7}  {:7}  {:>20}",
        round.number,
        round.moment.as_millis(),
        victims.join(", "),
        round.review.streams,
        round.review.reconnects,
        count.committed,
        count.received,
        count.missing,
        count.doubled,
        count.strange,
        round.taken_over.map_or("-".to_owned(), milliseconds),
    );
    round.review.wrong.iter().for_each(|why| println!("        {why}"));
}

fn sum_up(mut outcome: Outcome) -> bool {
    outcome.taken_over.sort_unstable();
    let times = &outcome.taken_over;
    let middle = times.get(times.len() / 2).copied().map_or("-".to_owned(), milliseconds);
    let longest = times.last().copied().map_or("-".to_owned(), milliseconds);
    let Outcome { kills, executors, tasks, streams, reconnects, count, .. } = &outcome;
    println!("{kills} kills, {executors} of processes that ran a task; {tasks} tasks");
    println!("{streams} streams, {reconnects} times come again");
    println!(
        "{} events committed, {} received, {} missing, {} doubled, {} strange",
        count.committed, count.received, count.missing, count.doubled, count.strange
    );
    println!("tasks of the dead moved again after {middle} ms (median), {longest} ms (longest)");
    println!("left after the last shutdown: {:?}", outcome.left);
    outcome.wrong.iter().for_each(|why| println!("WRONG: {why}"));
    outcome.is_right()
}

fn milliseconds(time: Duration) -> String {
    time.as_millis().to_string()
}
