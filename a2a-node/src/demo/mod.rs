//! `a2a-node demo`: three instances in this process, real HTTP between them and the SDK's client, and a count of
//! every event against the log.

mod chapters;
mod counts;
mod error;
mod killing;
mod listener;
mod mortal;
mod peer;
mod table;
mod timeline;
mod words;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use a2a::{StreamResponse, TRANSPORT_PROTOCOL_HTTP_JSON, TRANSPORT_PROTOCOL_JSONRPC};
use a2a_core::{Replay, SystemEnv, TaskKey, TaskStore, Tenant, Version, reduce};

use crate::backends::Backends;
use crate::cli;
use crate::fleet::{Fleet, Instance, Layout};
use chapters::Stage;
use counts::Counts;
use error::DemoError;
use listener::Heard;
use mortal::Mortal;
use peer::Peer;
use table::{Ending, Report, Row};
use timeline::{Timeline, Verbosity};

/// The whole demo takes about eight seconds; what takes so much longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);
/// The agents have finished by the time that the demo stops.
const GRACE: Duration = Duration::from_secs(1);

/// Runs the demo and prints its result. Fails when a count or an answer is wrong.
pub(crate) async fn run(flags: cli::Demo) -> ExitCode {
    let verbosity = if flags.json { Verbosity::Silent } else { Verbosity::Loud };
    let mut rows = Vec::new();
    let outcome = match tokio::time::timeout(PATIENCE, perform(&flags, verbosity, &mut rows)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(DemoError::Hung(PATIENCE.as_secs())),
    };
    let ending = match &outcome {
        Ok(()) => Ending::Complete,
        Err(error) => {
            crate::report::report(error);
            Ending::BrokenOff
        }
    };
    let report = Report::of(rows, ending);
    let text = if flags.json { report.json() } else { report.table() };
    let _ = writeln!(anstream::stdout(), "{text}");
    if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn perform(flags: &cli::Demo, verbosity: Verbosity, rows: &mut Vec<Row>) -> Result<(), DemoError> {
    let backends = Backends::keeping_whole_logs();
    let config = killing::config(flags.resume);
    let fleet = Fleet::start(Layout::on_loopback(2, config.clone()), backends.clone()).await?;
    let outcome = match Mortal::start(Layout::on_loopback(1, config), backends).await {
        Ok(mortal) => tell(&fleet, mortal, flags, verbosity, rows).await,
        Err(error) => Err(error),
    };
    fleet.shutdown(Duration::ZERO, GRACE).await;
    outcome
}

async fn tell(
    fleet: &Fleet,
    mortal: Mortal,
    flags: &cli::Demo,
    verbosity: Verbosity,
    rows: &mut Vec<Row>,
) -> Result<(), DemoError> {
    let instances = || fleet.instances().iter().chain(mortal.instances());
    let stage = Stage {
        peers: connect(instances()).await?,
        timeline: Timeline::begin(verbosity),
        env: Arc::new(SystemEnv),
    };
    stage.timeline.print("Three instances of one A2A server, each with its own port and its own client:");
    for (peer, instance) in stage.peers.iter().zip(instances()) {
        stage.timeline.note(peer, &format!("{} is instance {}", instance.sockets.http, peer.id));
    }
    let store = fleet.tasks();
    rows.extend(count(store, stage.one_task_everywhere().await?).await?);
    rows.extend(count(store, stage.a_busy_task().await?).await?);
    rows.extend(count(store, stage.follow_up_elsewhere().await?).await?);
    rows.extend(count(store, stage.cancel_elsewhere().await?).await?);
    rows.extend(count(store, stage.an_instance_is_killed(mortal, flags.resume).await?).await?);
    Ok(())
}

async fn connect<'a>(instances: impl Iterator<Item = &'a Instance>) -> Result<[Peer; 3], DemoError> {
    let names = [
        ("A", TRANSPORT_PROTOCOL_JSONRPC),
        ("B", TRANSPORT_PROTOCOL_HTTP_JSON),
        ("C", TRANSPORT_PROTOCOL_JSONRPC),
    ];
    let mut peers = Vec::new();
    for (instance, (name, binding)) in instances.zip(names) {
        peers.push(Peer::connect(name, instance.id(), &instance.sockets.http, binding).await?);
    }
    peers.try_into().map_err(|_| DemoError::wrong("there are not three instances"))
}

async fn count(store: &dyn TaskStore, heard: Vec<Heard>) -> Result<Vec<Row>, DemoError> {
    let mut rows = Vec::new();
    for heard in heard {
        let counts = Counts::of(&log_of(store, &heard.task).await?, &heard.events);
        let Heard { name, instance, task, delays, .. } = heard;
        rows.push(Row { task, instance, counts, name, delays });
    }
    Ok(rows)
}

/// Reads all that happened to a task and is meant for streams, from the store and not from any stream.
async fn log_of(store: &dyn TaskStore, task: &str) -> Result<Vec<StreamResponse>, DemoError> {
    match store.commits_after(&TaskKey::new(Tenant::default(), task), Version::ABSENT).await? {
        Replay::Snapshot(_) => Err(DemoError::LogCut(task.to_owned())),
        Replay::Commits(commits) => {
            let events = commits.iter().flat_map(|commit| &commit.events);
            Ok(events.filter(|event| reduce::is_streamed(event)).cloned().collect())
        }
    }
}
