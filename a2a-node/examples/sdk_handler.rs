//! The SDK's own handler with only our store: tasks outlive the process, and there is still one instance.
//!
//! Streams, cancel and running agents stay inside that process; a cluster is `aws_server.rs`. Against AWS, or
//! against an emulator with `AWS_ENDPOINT_URL` and any credentials:
//!
//! ```text
//! eval "$(cargo run -p a2a-node --features aws -- provision --table a2a-tasks --topic a2a-events)"
//! cargo run -p a2a-node --features aws --example sdk_handler 8080
//! ```

use std::{env, error::Error, sync::Arc};

use a2a_cluster::SdkTaskStore;
use a2a_server::{DefaultRequestHandler, jsonrpc::jsonrpc_router, rest::rest_router};
use a2a_store_dynamodb::DynamoDbStore;
use aws_config::BehaviorVersion;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = env::args().nth(1).ok_or("which port?")?.parse()?;
    let aws = Box::pin(aws_config::load_defaults(BehaviorVersion::v2026_01_12())).await;
    let store = DynamoDbStore::new(&aws, env::var("A2A_TABLE")?);
    let tasks = SdkTaskStore::new(Arc::new(store));
    let handler = Arc::new(DefaultRequestHandler::new(agent::Clerk, tasks));
    let routes = jsonrpc_router(Arc::clone(&handler)).merge(rest_router(handler));
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    Ok(axum::serve(listener, routes).await?)
}

/// Any agent of the SDK will do; this one makes a task, so that there is something to keep.
mod agent {
    use a2a::{A2AError, Message, Part, Role, StreamResponse, TaskState, TaskStatus, TaskStatusUpdateEvent};
    use a2a_server::{AgentExecutor, ExecutorContext};
    use futures::stream::{self, BoxStream, StreamExt};

    pub(super) struct Clerk;

    impl AgentExecutor for Clerk {
        fn execute(&self, ctx: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
            let said = ctx.message.as_ref().and_then(Message::text).unwrap_or("nothing");
            let note = Message::new(Role::Agent, vec![Part::text(format!("Noted: {said}"))]);
            let update = |state, message| {
                let status = TaskStatus { state, message, timestamp: None };
                Ok(StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
                    task_id: ctx.task_id.clone(),
                    context_id: ctx.context_id.clone(),
                    status,
                    metadata: None,
                }))
            };
            let updates = [update(TaskState::Working, None), update(TaskState::Completed, Some(note))];
            stream::iter(updates).boxed()
        }

        fn cancel(&self, _: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
            stream::empty().boxed()
        }
    }
}
