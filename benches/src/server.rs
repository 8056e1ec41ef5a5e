//! The servers that are compared, each in a process of its own.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use a2a::{AgentCapabilities, AgentCard};
use a2a_bus_memory::MemoryBus;
use a2a_cluster::{Cluster, bindings};
use a2a_core::{InstanceId, SystemAmbient};
use a2a_server::{DefaultRequestHandler, InMemoryTaskStore, StaticAgentCard};
use a2a_store_memory::MemoryStore;
use axum::Router;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::post;
use axum::serve::ListenerExt;
use futures::StreamExt;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Error, agent};

/// A server to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// A plain endpoint of the same HTTP library that sends one event and then nothing.
    Floor,
    /// The SDK's own handler on its in-memory store.
    Sdk,
    /// One instance of ours on the in-memory backends.
    Cluster,
}

impl Kind {
    pub(crate) const ALL: [Kind; 3] = [Kind::Floor, Kind::Sdk, Kind::Cluster];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Floor => "floor",
            Kind::Sdk => "sdk",
            Kind::Cluster => "cluster",
        }
    }
}

/// Serves until standard input closes. The first line on standard output is the port.
pub(crate) async fn serve(kind: Kind) -> Result<(), Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    let parent_left = async {
        let mut rest = Vec::new();
        let _ = tokio::io::stdin().read_to_end(&mut rest).await;
    };
    tokio::select! {
        served = run(kind, listener) => served,
        () = parent_left => Ok(()),
    }
}

async fn run(kind: Kind, listener: TcpListener) -> Result<(), Error> {
    match kind {
        Kind::Floor => {
            let router = Router::new().route("/", post(floor));
            Ok(axum::serve(without_delay(listener), router).await?)
        }
        Kind::Sdk => {
            let handler = DefaultRequestHandler::new(agent::Waiting, InMemoryTaskStore::new());
            let router = a2a_server::jsonrpc::jsonrpc_router(Arc::new(handler));
            Ok(axum::serve(without_delay(listener), router).await?)
        }
        Kind::Cluster => {
            let bus = MemoryBus::hub().endpoint(InstanceId::generate(&SystemAmbient));
            let cluster = Cluster::builder(Arc::new(agent::Waiting), card())
                .store(Arc::new(MemoryStore::new()))
                .bus(Arc::new(bus))
                .start()
                .await?;
            let card = Arc::new(StaticAgentCard::new(card()));
            let router = bindings::http_router(cluster.handler(), card, &bindings::Limits::default());
            Ok(bindings::serve(listener, router, CancellationToken::new(), Duration::ZERO).await?)
        }
    }
}

/// What the SDK's streams do, without a protocol: an event, then a comment every 15 seconds.
async fn floor() -> Sse<impl futures::Stream<Item = Result<Event, Infallible>>> {
    let first = futures::stream::iter([Ok(Event::default().id("1").data("{}"))]);
    let events = first.chain(futures::stream::pending());
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

fn without_delay(
    listener: TcpListener,
) -> impl axum::serve::Listener<Addr = std::net::SocketAddr, Io = tokio::net::TcpStream> {
    listener.tap_io(|stream| {
        // Nagle's algorithm would hold small events back; a comparison with it on compares nothing else.
        let _ = stream.set_nodelay(true);
    })
}

fn card() -> AgentCard {
    AgentCard {
        name: "benchmark".into(),
        description: "an agent that works and waits".into(),
        version: "1".into(),
        supported_interfaces: vec![],
        capabilities: AgentCapabilities {
            streaming: Some(true),
            push_notifications: None,
            extended_agent_card: None,
            extensions: None,
        },
        default_input_modes: vec!["text/plain".into()],
        default_output_modes: vec!["text/plain".into()],
        skills: vec![],
        provider: None,
        documentation_url: None,
        icon_url: None,
        security_schemes: None,
        security_requirements: None,
        signatures: None,
    }
}
