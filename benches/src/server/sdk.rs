//! The SDK's own handler on its in-memory store.

use std::sync::Arc;

use a2a_server::jsonrpc::jsonrpc_router;
use a2a_server::{DefaultRequestHandler, InMemoryTaskStore};
use axum::Router;

use super::agent::Scripted;
use crate::script::Go;

pub(crate) fn router(go: Go) -> Router {
    jsonrpc_router(Arc::new(DefaultRequestHandler::new(Scripted(go), InMemoryTaskStore::new())))
}
