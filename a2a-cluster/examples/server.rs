//! Three instances of one agent in one process. A client may talk to any of them about any task.
//!
//! The part between the markers is the one that README shows; a test in `integration-tests` compares them.

use std::{error::Error, sync::Arc, time::Duration};

use a2a_bus_memory::MemoryBus;
use a2a_cluster::{Cluster, bindings};
use a2a_server::StaticAgentCard;
use a2a_store_memory::MemoryStore;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

// [readme]
async fn serve(port: u16, store: Arc<MemoryStore>, bus: Arc<MemoryBus>) -> Result<(), Box<dyn Error>> {
    let card = agent::card(&format!("http://127.0.0.1:{port}"))?;
    let cluster =
        Cluster::builder(Arc::new(agent::Greeter), card.clone()).store(store).bus(bus).start().await?;
    let card = Arc::new(StaticAgentCard::new(card));
    let routes = bindings::http_router(cluster.handler(), card, &bindings::Limits::default());
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    Ok(bindings::serve(listener, routes, CancellationToken::new(), Duration::ZERO).await?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (store, bus) = (Arc::new(MemoryStore::new()), Arc::new(MemoryBus::new()));
    let instance = |port| serve(port, store.clone(), bus.clone());
    tokio::try_join!(instance(8080), instance(8081), instance(8082))?;
    Ok(())
}
// [/readme]

/// Any agent of the SDK will do.
mod agent {
    use a2a::{A2AError, AgentCard, Message, Part, Role, StreamResponse};
    use a2a_server::{AgentExecutor, ExecutorContext};
    use futures::stream::{self, BoxStream, StreamExt};

    pub(super) struct Greeter;

    impl AgentExecutor for Greeter {
        fn execute(&self, ctx: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
            let name = ctx.message.as_ref().and_then(Message::text).unwrap_or("whoever you are");
            let reply = Message::new(Role::Agent, vec![Part::text(format!("Hello, {name}!"))]);
            stream::iter([Ok(StreamResponse::Message(reply))]).boxed()
        }

        fn cancel(&self, _: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
            stream::empty().boxed()
        }
    }

    pub(super) fn card(url: &str) -> serde_json::Result<AgentCard> {
        serde_json::from_value(serde_json::json!({
            "name": "Greeter", "version": "1.0.0", "capabilities": { "streaming": true },
            "supportedInterfaces": [
                { "url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0" },
                { "url": url, "protocolBinding": "HTTP+JSON", "protocolVersion": "1.0" },
            ],
        }))
    }
}
