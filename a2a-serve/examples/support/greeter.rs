//! Any agent of the SDK will do.

use a2a::{A2AError, AgentCard, Message, Part, Role, StreamResponse};
use a2a_server::{AgentExecutor, ExecutorContext};
use futures::stream::{self, BoxStream, StreamExt};

pub(crate) struct Greeter;

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

pub(crate) fn card(url: &str) -> serde_json::Result<AgentCard> {
    serde_json::from_value(serde_json::json!({
        "name": "Greeter", "version": "1.0.0", "capabilities": { "streaming": true },
        "supportedInterfaces": [
            { "url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0" },
            { "url": url, "protocolBinding": "HTTP+JSON", "protocolVersion": "1.0" },
            { "url": url, "protocolBinding": "GRPC", "protocolVersion": "1.0" },
        ],
    }))
}
