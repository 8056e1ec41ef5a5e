//! `a2a-node forget`: removes tasks for good, for an operator; shows them unless told to do it.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;

use a2a_cluster::{ForgetOutcome, Forgotten, forget};
use a2a_core::BackendError;
use serde::Serialize;

use super::clients::Aws;
use crate::cli::ForgetFlags;
use crate::report::with_causes;

/// After how many tasks it is said how many there were.
const SOME: usize = 1_000;

/// Why not all can be found.
#[derive(Debug, thiserror::Error)]
pub(super) enum ForgetError {
    /// The table cannot be read.
    #[error("the tasks cannot be read; `a2a-node doctor` tells more")]
    Store(#[from] BackendError),
    /// Whoever reads what is done is gone.
    #[error("cannot write to stdout")]
    Write(#[from] io::Error),
}

/// A task that was removed, or would be, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    tenant: &'a str,
    task: &'a str,
    /// `None` where it cannot be read, or has expired.
    state: Option<&'a a2a::TaskState>,
    /// An agent was at work on it.
    runs: bool,
    /// Deliveries on the list of those that were given up.
    given_up: usize,
    /// Whether it is gone, or only found.
    applied: bool,
    /// Whether a mark without content stays for a while.
    mark: bool,
    /// Why it could not be removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

/// How many of what there were.
#[derive(Debug, Default)]
struct Counts {
    found: usize,
    running: usize,
    marked: usize,
    failed: usize,
    given_up: usize,
}

/// Shows or removes tasks.
pub(super) async fn run(flags: ForgetFlags) -> Result<ExitCode, ForgetError> {
    let store = Aws::from_environment().await.store(&flags.table);
    let (mut counts, mut broken) = (Counts::default(), None);
    let (apply, json) = (flags.apply, flags.json);
    let mut tell = |forgotten: &Forgotten| {
        counts.add(forgotten);
        if counts.found.is_multiple_of(SOME) && counts.found > 0 {
            say(&format!("{} tasks so far", counts.found));
        }
        match write(forgotten, json) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                broken = Some(error);
                ControlFlow::Break(())
            }
        }
    };
    let done = Box::pin(forget(&store, &flags.what(), apply, &mut tell)).await;
    counts.sum_up(&flags);
    if let Some(error) = broken {
        return Err(error.into());
    }
    let _: ControlFlow<()> = done?;
    Ok(if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Counts {
    fn add(&mut self, forgotten: &Forgotten) {
        self.running += usize::from(forgotten.runs);
        self.given_up += forgotten.given_up;
        match forgotten.outcome {
            ForgetOutcome::Failed(_) => self.failed += 1,
            ForgetOutcome::Marked => (self.found, self.marked) = (self.found + 1, self.marked + 1),
            ForgetOutcome::Found | ForgetOutcome::Gone => self.found += 1,
        }
    }

    fn sum_up(&self, flags: &ForgetFlags) {
        let Counts { found, running, marked, failed, given_up } = self;
        if *found == 0 && *failed == 0 {
            say("found no task to forget");
            if flags.whose.task.is_some() && !flags.apply {
                say("what may be left of one that has expired or been deleted, `--apply` removes");
            }
            return;
        }
        say(&format!(
            "{found} tasks {}, agents at work on {running}; {given_up} given-up deliveries",
            if flags.apply { "forgotten" } else { "would be forgotten" },
        ));
        if *marked > 0 {
            say(&format!("of {marked} a mark without content stays until commits of today expire"));
        }
        if *failed > 0 {
            say(&format!("{failed} could not be removed: run it again"));
        }
        if !flags.apply {
            say("a dry run: nothing was changed; `--apply` does it");
        }
    }
}

fn write(forgotten: &Forgotten, json: bool) -> io::Result<()> {
    let Forgotten { task, state, runs, given_up, outcome, .. } = forgotten;
    let failure = match outcome {
        ForgetOutcome::Failed(error) => Some(with_causes(error)),
        ForgetOutcome::Found | ForgetOutcome::Gone | ForgetOutcome::Marked => None,
    };
    let applied = matches!(outcome, ForgetOutcome::Gone | ForgetOutcome::Marked);
    let text = if json {
        let (tenant, task) = (task.tenant.as_str(), task.task_id.as_str());
        let (state, mark) = (state.as_ref(), matches!(outcome, ForgetOutcome::Marked));
        let row = Row { tenant, task, state, runs: *runs, given_up: *given_up, applied, mark, failure };
        serde_json::to_string(&row)?
    } else {
        let tense = match (&failure, applied) {
            (Some(_), _) => "could not",
            (None, true) => "did",
            (None, false) => "would",
        };
        // What clients chose is shown without what a terminal would obey.
        let tenant = task.tenant.as_str();
        let of_tenant =
            if tenant.is_empty() { String::new() } else { format!(" of tenant {}", tenant.escape_debug()) };
        let state = match state {
            Some(state) => serde_json::to_string(state)?.trim_matches('"').to_owned(),
            None => "not readable, or expired".to_owned(),
        };
        let runs = if *runs { ", its agent at work" } else { "" };
        let why = failure.map(|why| format!(": {why}")).unwrap_or_default();
        format!("{tense} forget task {}{of_tenant} ({state}{runs}){why}", task.task_id.escape_debug())
    };
    writeln!(io::stdout(), "{text}")
}

fn say(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}
