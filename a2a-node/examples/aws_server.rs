//! One instance of an agent on AWS: tasks in DynamoDB, news over SNS and SQS. Start as many as you like.
//!
//! Against AWS, or against an emulator with `AWS_ENDPOINT_URL` and any credentials:
//!
//! ```text
//! eval "$(cargo run -p a2a-node --features aws -- provision --table a2a-tasks --topic a2a-events)"
//! cargo run -p a2a-node --features aws --example aws_server 8080
//! cargo run -p a2a-node --features aws --example aws_server 8081
//! ```
//!
//! Requests name their caller in the header `x-user`, as a gateway would.
//!
//! The part between the markers is the one that README shows; a test in `integration-tests` compares them.

use std::{env, error::Error, sync::Arc};

use a2a::AgentCard;
use a2a_bus_snssqs::SnsSqsBus;
use a2a_serve::{GatewayHeader, Server};
use a2a_store_dynamodb::DynamoDbStore;
use aws_config::BehaviorVersion;
use serde_json::json;

// [readme]
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    // Pinned, so that an update of the SDK changes no defaults.
    let aws = Box::pin(aws_config::load_defaults(BehaviorVersion::v2026_01_12())).await;
    let server = Server::new(agent::Greeter, card(&format!("http://127.0.0.1:{port}"))?)
        .store(Arc::new(DynamoDbStore::new(&aws, env::var("A2A_TABLE")?)))
        .bus(Arc::new(SnsSqsBus::new(&aws, env::var("A2A_TOPIC_ARN")?)?))
        // Set by the gateway in front, which strips it from what clients send.
        .callers(Arc::new(GatewayHeader::new("x-user".parse()?)))
        .listen(format!("0.0.0.0:{port}"));
    Ok(Box::pin(server.run()).await?)
}

fn card(url: &str) -> serde_json::Result<AgentCard> {
    let interfaces = ["JSONRPC", "HTTP+JSON", "GRPC"]
        .map(|binding| json!({ "url": url, "protocolBinding": binding, "protocolVersion": "1.0" }));
    serde_json::from_value(json!({
        "name": "Greeter", "version": "1.0.0",
        "capabilities": { "streaming": true, "pushNotifications": true },
        "supportedInterfaces": interfaces,
    }))
}
// [/readme]

/// Any agent of the SDK will do.
mod agent {
    use a2a::{A2AError, Message, Part, Role, StreamResponse};
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
}
