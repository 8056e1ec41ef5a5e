//! An agent on a socket. With a port it listens there: start two, and they are two agents, for they share no store.
//!
//! The part between the markers is the one that README shows; a test in `integration-tests` compares them.

use std::error::Error;

use a2a_serve::Server;

// [readme]
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    let card = agent::card(&format!("http://127.0.0.1:{port}"))?;
    Ok(Server::new(agent::Greeter, card).listen(format!("127.0.0.1:{port}")).run().await?)
}
// [/readme]

/// What `main` does, for the test that starts it.
#[cfg(test)]
pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    main()
}

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
                { "url": url, "protocolBinding": "GRPC", "protocolVersion": "1.0" },
            ],
        }))
    }
}
