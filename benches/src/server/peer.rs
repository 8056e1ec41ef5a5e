//! The crate `a2a-protocol-server` with its own in-memory store, served as its documentation says.

use std::pin::Pin;
use std::sync::Arc;

use a2a_protocol_server::executor::AgentExecutor;
use a2a_protocol_server::request_context::RequestContext;
use a2a_protocol_server::streaming::EventQueueWriter;
use a2a_protocol_server::{EventEmitter, JsonRpcDispatcher, RequestHandlerBuilder, Server};
use a2a_protocol_types::error::A2aResult;
use a2a_protocol_types::{AgentCapabilities, AgentCard, AgentInterface, AgentSkill, Part, TaskState};
use futures::StreamExt;
use tokio::net::TcpListener;

use crate::Error;
use crate::script::{self, Go, Said};

struct Scripted(Go);

impl AgentExecutor for Scripted {
    fn execute<'a>(
        &'a self,
        ctx: &'a RequestContext,
        queue: &'a dyn EventQueueWriter,
    ) -> Pin<Box<dyn Future<Output = A2aResult<()>> + Send + 'a>> {
        Box::pin(async move {
            let emit = EventEmitter::new(ctx, queue);
            let mut script = script::play(ctx.message.text().unwrap_or_default(), self.0.clone());
            while let Some(said) = script.next().await {
                match said {
                    Said::Working => emit.status(TaskState::Working).await?,
                    Said::Completed => emit.status(TaskState::Completed).await?,
                    Said::Chunk { text, first, last } => {
                        emit.artifact("answer", vec![Part::text(text)], Some(!first), Some(last)).await?;
                    }
                }
            }
            Ok(())
        })
    }
}

pub(super) async fn serve(listener: TcpListener, go: Go) -> Result<(), Error> {
    let card = AgentCard::new("benchmark", "1", AgentInterface::jsonrpc("http://localhost"))
        .with_description("an agent that plays scripts")
        .with_skill(AgentSkill::new("play", "Play", "Plays a script").with_tags(["play"]))
        .with_capabilities(AgentCapabilities::none().with_streaming(true));
    let handler = RequestHandlerBuilder::new(Scripted(go)).with_agent_card(card).build()?;
    let dispatcher = JsonRpcDispatcher::new(Arc::new(handler));
    Server::from_listener(listener).serve_with_shutdown(dispatcher, std::future::pending()).await;
    Ok(())
}
