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
//! The part between the markers is the one that README shows; a test in `integration-tests` compares them.

use std::{env, error::Error, sync::Arc};

use a2a_bus_snssqs::SnsSqsBus;
use a2a_serve::Server;
use a2a_store_dynamodb::DynamoDbStore;
use aws_config::BehaviorVersion;

// [readme]
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    let card = agent::card(&format!("http://127.0.0.1:{port}"))?;
    // Pinned, so that an update of the SDK changes no defaults.
    let aws = Box::pin(aws_config::load_defaults(BehaviorVersion::v2026_01_12())).await;
    let server = Server::new(agent::Greeter, card)
        .store(Arc::new(DynamoDbStore::new(&aws, env::var("A2A_TABLE")?)))
        .bus(Arc::new(SnsSqsBus::new(&aws, env::var("A2A_TOPIC_ARN")?)?))
        .listen(format!("0.0.0.0:{port}"));
    Ok(Box::pin(server.run()).await?)
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
                { "url": url, "protocolBinding": "GRPC", "protocolVersion": "1.0" },
            ],
        }))
    }
}
