//! The bindings of the protocol, and where they are served.

use std::net::SocketAddr;

use a2a::{
    AgentInterface, TRANSPORT_PROTOCOL_GRPC, TRANSPORT_PROTOCOL_HTTP_JSON, TRANSPORT_PROTOCOL_JSONRPC,
};

/// How a client speaks to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// JSON-RPC over HTTP.
    JsonRpc,
    /// JSON over HTTP.
    Rest,
    /// gRPC.
    Grpc,
}

impl Binding {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::JsonRpc, Self::Rest, Self::Grpc];

    /// Its name in an agent card.
    pub fn protocol(self) -> &'static str {
        match self {
            Self::JsonRpc => TRANSPORT_PROTOCOL_JSONRPC,
            Self::Rest => TRANSPORT_PROTOCOL_HTTP_JSON,
            Self::Grpc => TRANSPORT_PROTOCOL_GRPC,
        }
    }
}

/// Where the bindings of one instance, or of a load balancer, are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sockets {
    /// JSON-RPC and REST.
    pub http: SocketAddr,
    /// gRPC.
    pub grpc: SocketAddr,
}

impl Sockets {
    /// Where one binding is.
    pub fn of(&self, binding: Binding) -> SocketAddr {
        match binding {
            Binding::JsonRpc | Binding::Rest => self.http,
            Binding::Grpc => self.grpc,
        }
    }

    /// The base URL, where the card is, too.
    pub fn url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// All bindings, as a card names them.
    pub fn interfaces(&self) -> Vec<AgentInterface> {
        a2a_testkit::card::interfaces(&self.url(), &format!("http://{}", self.grpc))
    }
}
