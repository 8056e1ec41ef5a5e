//! The crate `a2a-protocol-server` with its own in-memory store, served as its documentation says.

use std::pin::{Pin, pin};
use std::sync::Arc;

use a2a_protocol_server::executor::AgentExecutor;
use a2a_protocol_server::request_context::RequestContext;
use a2a_protocol_server::streaming::EventQueueWriter;
use a2a_protocol_server::{EventEmitter, JsonRpcDispatcher, RequestHandlerBuilder, Server};
use a2a_protocol_types::error::A2aResult;
use a2a_protocol_types::{AgentCapabilities, AgentCard, AgentInterface, AgentSkill, Part, TaskState};
use a2a_testkit::ScriptedAgent;
use a2a_testkit::agent::Said;
use futures::StreamExt;
use tokio::net::TcpListener;

use super::played;
use crate::Error;

struct Scripted(ScriptedAgent);

impl AgentExecutor for Scripted {
    fn execute<'a>(
        &'a self,
        ctx: &'a RequestContext,
        queue: &'a dyn EventQueueWriter,
    ) -> Pin<Box<dyn Future<Output = A2aResult<()>> + Send + 'a>> {
        Box::pin(async move {
            let emit = EventEmitter::new(ctx, queue);
            let mut said = pin!(played(&self.0, ctx.message.text().unwrap_or_default()));
            while let Some(said) = said.next().await {
                match said {
                    Said::State(a2a::TaskState::Completed) => emit.status(TaskState::Completed).await?,
                    Said::Chunk { part, first, last } => {
                        let text = part.as_text().unwrap_or_default();
                        emit.artifact("out", vec![Part::text(text)], Some(!first), Some(last)).await?;
                    }
                    _ => emit.status(TaskState::Working).await?,
                }
            }
            Ok(())
        })
    }
}

pub(super) async fn serve(listener: TcpListener, agent: ScriptedAgent) -> Result<(), Error> {
    let card = AgentCard::new("benchmark", "1", AgentInterface::jsonrpc("http://localhost"))
        .with_description("an agent that plays scripts")
        .with_skill(AgentSkill::new("play", "Play", "Plays a script").with_tags(["play"]))
        .with_capabilities(AgentCapabilities::none().with_streaming(true));
    let handler = RequestHandlerBuilder::new(Scripted(agent)).with_agent_card(card).build()?;
    let dispatcher = JsonRpcDispatcher::new(Arc::new(handler));
    Server::from_listener(listener).serve_with_shutdown(dispatcher, std::future::pending()).await;
    Ok(())
}
