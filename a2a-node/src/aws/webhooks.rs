//! `a2a-node webhooks`: the deliveries that were given up, and one more try.

use std::io::{self, Write};
use std::process::ExitCode;

use a2a_cluster::{Redelivery, Webhooks, redeliver};
use a2a_core::{BackendError, GivenUpDelivery, PushConfigs};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::clients::Aws;
use crate::cli::GivenUp;
use crate::webhooks::{self, WebhooksError};

const PAGE: usize = 100;

/// Why the deliveries cannot be listed, or tried.
#[derive(Debug, thiserror::Error)]
pub(super) enum GivenUpError {
    /// The table cannot be read.
    #[error("the deliveries cannot be read; `a2a-node doctor` tells more")]
    Store(#[from] BackendError),
    /// Webhooks cannot be called so.
    #[error(transparent)]
    Webhooks(#[from] WebhooksError),
    /// Whoever reads this is gone.
    #[error("cannot write to stdout")]
    Write(#[from] io::Error),
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    tenant: &'a str,
    task: &'a str,
    config: &'a str,
    host: &'a str,
    reason: &'a str,
    version: u64,
    at: DateTime<Utc>,
    /// What became of one more try; `None` where none was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    retried: Option<String>,
}

pub(super) async fn run(flags: GivenUp) -> Result<ExitCode, GivenUpError> {
    let transport = webhooks::of(&flags.calls)?;
    let policy = Webhooks::default().sign_with(flags.calls.keys().map_err(WebhooksError::from)?);
    let store = Aws::from_environment().await.store(&flags.table);
    let mut stdout = io::stdout().lock();
    let (mut after, mut left, mut listed) = (None, 0, 0);
    loop {
        let page = store.given_up(after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.task.clone(), last.config_id.clone()));
        for given_up in page.iter().filter(|one| flags.wants(&one.task.task_id, &one.host)) {
            let retried = match flags.retry {
                true => Some(redeliver(&store, &transport, &policy, given_up).await?),
                false => None,
            };
            left += usize::from(!matches!(retried, Some(Redelivery::Delivered | Redelivery::Gone)));
            listed += 1;
            let row = row(given_up, retried.map(words));
            if flags.json {
                serde_json::to_writer(&mut stdout, &row).map_err(io::Error::from)?;
                writeln!(stdout)?;
            } else {
                write_line(&mut stdout, &row)?;
            }
        }
    }
    if listed == 0 && !flags.json {
        writeln!(stdout, "no delivery is given up")?;
    }
    Ok(if flags.retry && left > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn row(given_up: &GivenUpDelivery, retried: Option<String>) -> Row<'_> {
    Row {
        tenant: given_up.task.tenant.as_str(),
        task: &given_up.task.task_id,
        config: &given_up.config_id,
        host: &given_up.host,
        reason: &given_up.reason,
        version: given_up.version.get(),
        at: given_up.at,
        retried,
    }
}

fn words(redelivery: Redelivery) -> String {
    match redelivery {
        Redelivery::Delivered => "delivered".to_owned(),
        Redelivery::Gone => "gone: nobody wants it any more".to_owned(),
        Redelivery::UnderWay => "under way: an instance delivers to it".to_owned(),
        Redelivery::Refused(why) => format!("refused: {why}"),
        other => format!("{other:?}"),
    }
}

fn write_line(out: &mut impl Write, row: &Row<'_>) -> io::Result<()> {
    let Row { task, config, host, reason, at, retried, .. } = row;
    let at = at.format("%Y-%m-%d %H:%M:%S");
    // What clients chose is shown without what a terminal would obey.
    write!(
        out,
        "{at}  task {}  config {}  {}  {reason}",
        task.escape_debug(),
        config.escape_debug(),
        host.escape_debug()
    )?;
    match retried {
        Some(retried) => writeln!(out, "  {retried}"),
        None => writeln!(out),
    }
}
