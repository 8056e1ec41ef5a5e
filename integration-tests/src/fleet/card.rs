//! The card of the fleet's agent, which leads to the proxies.

use a2a::{
    AgentCapabilities, AgentCard, AgentInterface, TRANSPORT_PROTOCOL_GRPC, TRANSPORT_PROTOCOL_HTTP_JSON,
    TRANSPORT_PROTOCOL_JSONRPC,
};

use super::instance::Sockets;

/// A card that declares streams and push notifications, takes text and JSON, and leads nowhere yet.
pub(super) fn card() -> AgentCard {
    AgentCard {
        name: "scripted".into(),
        description: "an agent that does what its message says".into(),
        version: "1".into(),
        supported_interfaces: Vec::new(),
        capabilities: AgentCapabilities {
            streaming: Some(true),
            push_notifications: Some(true),
            extensions: None,
            extended_agent_card: None,
        },
        default_input_modes: vec!["text/plain".into(), "application/json".into()],
        default_output_modes: vec!["text/plain".into()],
        skills: Vec::new(),
        provider: None,
        documentation_url: None,
        icon_url: None,
        security_schemes: None,
        security_requirements: None,
        signatures: None,
    }
}

/// All bindings at these sockets.
pub(super) fn interfaces(sockets: Sockets) -> Vec<AgentInterface> {
    let http = format!("http://{}", sockets.http);
    let grpc = format!("http://{}", sockets.grpc);
    vec![
        AgentInterface::new(&http, TRANSPORT_PROTOCOL_JSONRPC),
        AgentInterface::new(&http, TRANSPORT_PROTOCOL_HTTP_JSON),
        AgentInterface::new(&grpc, TRANSPORT_PROTOCOL_GRPC),
    ]
}
