//! The README's server on AWS, word for word, with an agent of one's own: what trials start and kill.

use std::time::Duration;
use std::{env, error::Error, sync::Arc};

use a2a::AgentCard;
use a2a_bus_snssqs::SnsSqsBus;
use a2a_serve::GatewayHeader;
use a2a_store_dynamodb::DynamoDbStore;
use aws_config::BehaviorVersion;
use serde_json::json;

use agent::Server;

/// Who calls, in every trial.
pub const CALLER: &str = "ann";
/// The header that names the caller.
pub const CALLER_HEADER: &str = "x-user";
/// How often it beats, and after how long without a beat it counts as dead.
pub const LEASE: (Duration, Duration) = (Duration::from_millis(400), Duration::from_secs(3));
/// For how long it takes new work once it is asked to end, and how long what runs may take after that.
pub const DRAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(2));

/// Serves at the port that is the first argument, until it is asked to end.
///
/// # Errors
///
/// Why it does not.
pub fn run() -> Result<(), Box<dyn Error>> {
    main()
}

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

mod agent {
    use std::sync::Arc;

    use a2a::{A2AError, AgentCard, StreamResponse};
    use a2a_cluster::Config;
    use a2a_serve::HttpWebhooks;
    use a2a_server::{AgentExecutor, ExecutorContext};
    use a2a_testkit::ScriptedAgent;
    use futures::stream::BoxStream;

    use super::{DRAIN, LEASE};

    pub(super) struct Greeter;

    impl AgentExecutor for Greeter {
        fn execute(&self, ctx: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
            ScriptedAgent::default().execute(ctx)
        }

        fn cancel(&self, ctx: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
            ScriptedAgent::default().cancel(ctx)
        }
    }

    /// The server, missed soon, quick to end, and with webhooks that may lead to this machine.
    pub(super) enum Server {}

    impl Server {
        #[expect(clippy::new_ret_no_self, reason = "it stands in for the server's own")]
        pub(super) fn new(agent: Greeter, card: AgentCard) -> a2a_serve::Server {
            let (beat, lease) = LEASE;
            let config = Config::default().beat_interval(beat).lease(lease);
            let server = a2a_serve::Server::new(agent, card).config(config);
            let server = server.drain_delay(DRAIN.0).grace(DRAIN.1);
            server.webhooks(Arc::new(HttpWebhooks::allowing_local()))
        }
    }
}
