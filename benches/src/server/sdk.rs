//! The SDK's own handler on its in-memory store.

use std::sync::Arc;

use a2a_server::jsonrpc::jsonrpc_router;
use a2a_server::{DefaultRequestHandler, InMemoryTaskStore};
use a2a_testkit::ScriptedAgent;
use axum::Router;

pub(crate) fn router(agent: ScriptedAgent) -> Router {
    jsonrpc_router(Arc::new(DefaultRequestHandler::new(agent, InMemoryTaskStore::new())))
}
