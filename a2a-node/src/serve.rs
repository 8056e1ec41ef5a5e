//! `a2a-node serve`: runs instances until a signal comes, then drains them.

use std::io::{self, Write};
use std::sync::Arc;

use a2a_serve::{Metrics, MetricsError, Signals};
use serde::Serialize;

use crate::aws::OpenError;
use crate::backends::Backends;
use crate::cli;
use crate::cli::LeaseTooShort;
use crate::fleet::{Fleet, Layout, SocketBounds, StartError};
use crate::scale_in::ScaleInProtection;
use crate::webhooks::{self, WebhooksError};

/// Why `serve` fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// An instance does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The settings contradict each other.
    #[error(transparent)]
    Lease(#[from] LeaseTooShort),
    /// The backends that were asked for make no sense.
    #[error(transparent)]
    Backends(#[from] cli::Mismatch),
    /// Webhooks cannot be called as they were told to be.
    #[error(transparent)]
    Webhooks(#[from] WebhooksError),
    /// The backends on AWS cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The operating system refuses to hand over signals.
    #[error("cannot catch signals")]
    Signals(#[source] io::Error),
    /// Something else records metrics in this process.
    #[error("cannot record metrics")]
    Metrics(#[source] MetricsError),
    /// Whoever reads the start-up line is gone.
    #[error("cannot write the start-up line to stdout")]
    Announce(#[source] io::Error),
    /// A second signal came while the instances drained.
    #[error("a second signal came before all instances had drained")]
    Hurried,
}

/// Serves until SIGTERM or Ctrl-C, then drains.
///
/// # Errors
///
/// A [`ServeError`] when the instances do not start, or have to stop before they have drained.
pub(crate) async fn run(flags: cli::Serve) -> Result<(), ServeError> {
    // Caught from now on: who stops us while we start gets an orderly end, too.
    let mut signals = Signals::catch().map_err(ServeError::Signals)?;
    let (delay, grace) = (flags.drain_delay, flags.shutdown_grace);
    let mut protection = ScaleInProtection::of_environment(flags.scale_in_protection);
    if flags.listen.ip().is_unspecified() && flags.public_url.is_none() {
        tracing::warn!(
            "the agent card names a loopback address: give --public-url to be reached from elsewhere"
        );
    }
    let starting = async {
        // Before anything that is measured, which takes its handles when it starts.
        let metrics = Metrics::record().map_err(ServeError::Metrics)?;
        let backends = flags.backends.choice()?;
        // Before anything is opened: a setting that is refused leaves nothing behind.
        let layout = Layout { metrics: Some(metrics), ..layout(flags)? };
        let backends = Backends::open(backends).await?;
        Ok::<_, ServeError>(Fleet::start(layout, backends).await?)
    };
    let fleet = tokio::select! {
        fleet = starting => fleet?,
        signal = signals.next() => {
            tracing::info!(signal, "stopped while starting");
            return Ok(());
        }
    };
    announce(&fleet).map_err(ServeError::Announce)?;

    let signal = tokio::select! {
        signal = signals.next() => signal,
        never = protection.keep(|| fleet.running()) => match never {},
    };
    tracing::info!(signal, ?delay, ?grace, "draining; a second signal stops at once");
    tokio::select! {
        _ = futures::future::join(fleet.shutdown(delay, grace), protection.give_back()) => {
            tracing::info!("all instances have stopped");
            Ok(())
        }
        _ = signals.next() => Err(ServeError::Hurried),
    }
}

fn layout(flags: cli::Serve) -> Result<Layout, ServeError> {
    let policy = flags.deliveries.policy(flags.webhooks.keys().map_err(WebhooksError::from)?);
    let config = flags.bounds.bound(flags.tuning.config()?);
    Ok(Layout {
        config: config.tenants(flags.tenants).webhooks(policy),
        bounds: Some(SocketBounds {
            connections: flags.bounds.connections,
            streams_per_connection: flags.bounds.streams_per_connection,
            idle_timeout: flags.bounds.idle_timeout,
        }),
        listen: flags.listen,
        grpc_listen: flags.grpc_listen,
        instances: flags.instances,
        public_url: flags.public_url,
        public_grpc_url: flags.public_grpc_url,
        webhooks: Arc::new(webhooks::of(&flags.webhooks)?),
        principal_header: flags.principal_header,
        cors: flags.cors_origins,
        hosts: flags.hosts,
        metrics: None,
        name: flags.name,
    })
}

#[derive(Serialize)]
struct Announcement<'a> {
    instances: Vec<Announced<'a>>,
}

#[derive(Serialize)]
struct Announced<'a> {
    id: String,
    http: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc: Option<&'a str>,
}

/// Prints the one line that tells programs where the instances are, once all of them take requests.
fn announce(fleet: &Fleet) -> io::Result<()> {
    let instances = fleet.instances().iter().map(|instance| Announced {
        id: instance.id().to_string(),
        http: &instance.sockets.http,
        grpc: instance.sockets.grpc.as_deref(),
    });
    let line = serde_json::to_string(&Announcement { instances: instances.collect() })?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
