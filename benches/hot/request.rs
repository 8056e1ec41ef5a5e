//! Requests to one instance: a blocking send, and a stream that is read to its end.

use std::sync::Arc;

use a2a_server::RequestHandler;
use a2a_testworld::world::params;

use super::world::{World, drain, request};

pub(crate) struct Requests(World);

impl Requests {
    /// To an instance that declares push notifications and would call webhooks, or to one that does not.
    pub(crate) async fn new(is_hooked: bool) -> Self {
        Requests(World::hooked(1, |bus| Arc::new(bus), is_hooked).await)
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
