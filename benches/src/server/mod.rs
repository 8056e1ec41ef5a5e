//! The contenders, each served by a process of its own.

mod floor;
pub(crate) mod ours;
mod peer;
pub(crate) mod sdk;

use std::net::SocketAddr;

use a2a_testkit::ScriptedAgent;
use a2a_testkit::agent::{Played, Said, Script, play};
use axum::serve::ListenerExt;
use futures::Stream;
use serde::Serialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::Error;
use crate::script::GO;

/// Somebody who serves the same agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Contender {
    /// A plain endpoint of the same HTTP library, without a protocol.
    Floor,
    /// The SDK's own handler on its in-memory store, with TCP_NODELAY.
    Sdk,
    /// `a2a-protocol-server` on its in-memory store.
    Peer,
    /// One instance of ours on the in-memory backends.
    Ours,
    /// Three instances of ours on one store and bus, in one process.
    Three,
    /// One instance of ours that calls webhooks on this machine, too.
    Hooked,
}

impl Contender {
    /// Those that are compared.
    pub(crate) const ALL: [Contender; 5] =
        [Contender::Floor, Contender::Sdk, Contender::Peer, Contender::Ours, Contender::Three];

    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Contender::Floor => "floor",
            Contender::Sdk => "sdk",
            Contender::Peer => "peer",
            Contender::Ours => "ours",
            Contender::Three => "three",
            Contender::Hooked => "hooked",
        }
    }

    /// The name in tables and plots.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Contender::Floor => "floor",
            Contender::Sdk => "SDK handler",
            Contender::Peer => "a2a-protocol-server",
            Contender::Ours => "ours",
            Contender::Three => "ours x 3",
            Contender::Hooked => "ours, webhooks",
        }
    }

    fn listeners(self) -> usize {
        if self == Contender::Three { 3 } else { 1 }
    }
}

/// Serves until standard input closes. The first line on standard output holds the ports; a line on standard input
/// lets agents go on that wait.
pub(crate) async fn serve(contender: Contender) -> Result<(), Error> {
    let mut listeners = Vec::new();
    let mut ports = Vec::new();
    for _ in 0..contender.listeners() {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        ports.push(listener.local_addr()?.port().to_string());
        listeners.push(listener);
    }
    println!("{}", ports.join(" "));
    let agent = ScriptedAgent::default();
    let latches = agent.latches().clone();
    let told = async move {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Ok(Some(_)) = lines.next_line().await {
            latches.open(GO);
        }
    };
    tokio::select! {
        served = run(contender, listeners, agent) => served,
        () = told => Ok(()),
    }
}

async fn run(
    contender: Contender,
    mut listeners: Vec<TcpListener>,
    agent: ScriptedAgent,
) -> Result<(), Error> {
    match contender {
        Contender::Ours | Contender::Three => return ours::serve(listeners, agent).await,
        Contender::Hooked => return ours::serve_hooked(listeners, agent).await,
        Contender::Floor | Contender::Sdk | Contender::Peer => {}
    }
    let listener = listeners.pop().ok_or("there is a listener")?;
    match contender {
        Contender::Peer => peer::serve(listener, agent).await,
        Contender::Sdk => Ok(axum::serve(without_delay(listener), sdk::router(agent)).await?),
        _ => Ok(axum::serve(without_delay(listener), floor::router(agent)).await?),
    }
}

/// What the agent says, for those that know no `AgentExecutor`.
fn played(agent: &ScriptedAgent, text: &str) -> impl Stream<Item = Said> + Send + use<> {
    let script = Script::read(text).unwrap_or_default();
    play(script.into_steps(), agent.latches().clone(), Played::default())
}

/// Nagle's algorithm would hold small events back; a comparison with it on compares nothing else.
fn without_delay(listener: TcpListener) -> impl axum::serve::Listener<Addr = SocketAddr, Io = TcpStream> {
    listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    })
}
