//! Requests to one instance: a blocking send, and a stream that is read to its end.

use std::sync::Arc;

use a2a_server::RequestHandler;
use a2a_testworld::world::params;

use super::world::{World, drain, request};

pub(crate) struct Requests(World);

impl Requests {
    pub(crate) async fn new() -> Self {
        Requests(World::new(1, |bus| Arc::new(bus)).await)
    }

    pub(crate) async fn blocking(&self) {
        let sent = self.0.nodes[0].ask(request(1)).await;
        sent.expect("the agent answers");
    }

    /// Returns how many events came.
    pub(crate) async fn stream(&self, chunks: usize) -> usize {
        let events = self.0.nodes[0].handler.send_streaming_message(&params(), request(chunks)).await;
        drain(events.expect("the agent answers")).await
    }
}
