//! The one agent card of tests and benches.

use a2a::{
    AgentCapabilities, AgentCard, AgentInterface, TRANSPORT_PROTOCOL_GRPC, TRANSPORT_PROTOCOL_HTTP_JSON,
    TRANSPORT_PROTOCOL_JSONRPC,
};

/// Makes a card that declares streams and push notifications, takes text and JSON, answers with text, and leads
/// nowhere. What is to be otherwise is changed in the value.
///
/// ```
/// let mut card = a2a_testkit::card("quiet");
/// card.capabilities.streaming = None;
/// ```
pub fn card(name: &str) -> AgentCard {
    AgentCard {
        name: name.to_owned(),
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

/// All bindings at these URLs: JSON-RPC and REST at the first, gRPC at the second.
pub fn interfaces(http: &str, grpc: &str) -> Vec<AgentInterface> {
    vec![
        AgentInterface::new(http, TRANSPORT_PROTOCOL_JSONRPC),
        AgentInterface::new(http, TRANSPORT_PROTOCOL_HTTP_JSON),
        AgentInterface::new(grpc, TRANSPORT_PROTOCOL_GRPC),
    ]
}
