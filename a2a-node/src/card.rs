//! The agent card: what the built-in agent can do, and at which addresses it answers.

use a2a::{
    AgentCapabilities, AgentCard, AgentInterface, AgentSkill, TRANSPORT_PROTOCOL_GRPC,
    TRANSPORT_PROTOCOL_HTTP_JSON, TRANSPORT_PROTOCOL_JSONRPC,
};

use crate::agent;

const TEXT: &str = "text/plain";

/// Where clients reach one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Addresses {
    /// The base URL of both HTTP bindings, without a slash at its end.
    pub(crate) http: String,
    /// The URL of the gRPC binding, when it is served.
    pub(crate) grpc: Option<String>,
}

/// Describes the built-in agent at these addresses. JSON-RPC comes first: clients prefer what comes first.
pub(crate) fn card(addresses: &Addresses) -> AgentCard {
    let over_http = [TRANSPORT_PROTOCOL_JSONRPC, TRANSPORT_PROTOCOL_HTTP_JSON];
    let mut interfaces: Vec<AgentInterface> =
        over_http.iter().map(|binding| AgentInterface::new(&addresses.http, *binding)).collect();
    interfaces.extend(addresses.grpc.as_ref().map(|url| AgentInterface::new(url, TRANSPORT_PROTOCOL_GRPC)));
    AgentCard {
        name: "a2a-node".into(),
        description: "An agent that does what the text of a message tells it: for trying out a cluster."
            .into(),
        version: env!("CARGO_PKG_VERSION").into(),
        supported_interfaces: interfaces,
        capabilities: AgentCapabilities {
            streaming: Some(true),
            push_notifications: Some(true),
            extensions: Some(vec![a2a_cluster::resume::extension()]),
            extended_agent_card: None,
        },
        default_input_modes: vec![TEXT.into()],
        default_output_modes: vec![TEXT.into()],
        skills: agent::CATALOG.iter().map(skill).collect(),
        provider: None,
        documentation_url: None,
        icon_url: None,
        security_schemes: None,
        security_requirements: None,
        signatures: None,
    }
}

fn skill(entry: &agent::Entry) -> AgentSkill {
    AgentSkill {
        id: entry.word.into(),
        name: entry.usage.into(),
        description: entry.summary.into(),
        tags: vec!["demo".into()],
        examples: Some(vec![entry.example.into()]),
        input_modes: None,
        output_modes: None,
        security_requirements: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bindings(grpc: Option<&str>) -> Vec<(String, String, String)> {
        let addresses = Addresses { http: "http://h:1".into(), grpc: grpc.map(Into::into) };
        let interfaces = card(&addresses).supported_interfaces;
        interfaces.into_iter().map(|i| (i.protocol_binding, i.url, i.protocol_version)).collect()
    }

    fn row(binding: &str, url: &str) -> (String, String, String) {
        (binding.into(), url.into(), "1.0".into())
    }

    #[test]
    fn both_http_bindings_share_one_base_url() {
        assert_eq!(bindings(None), [row("JSONRPC", "http://h:1"), row("HTTP+JSON", "http://h:1")]);
    }

    #[test]
    fn grpc_is_named_only_when_served() {
        assert_eq!(bindings(Some("http://h:2"))[2..], [row("GRPC", "h:2")]);
    }

    #[test]
    fn streams_can_be_resumed_and_the_card_says_so() {
        let card = card(&Addresses { http: String::new(), grpc: None });
        let declared: Vec<_> =
            card.capabilities.extensions.iter().flatten().map(|e| e.uri.as_str()).collect();
        assert_eq!(declared, [a2a_cluster::resume::URI]);
    }

    #[test]
    fn every_command_is_a_skill_with_an_example() {
        let card = card(&Addresses { http: String::new(), grpc: None });
        let ids: Vec<_> = card.skills.iter().map(|skill| skill.id.as_str()).collect();
        assert_eq!(ids, ["echo", "stream", "ask", "wait", "fail", "message", "big"]);
        assert!(card.skills.iter().all(|skill| !skill.examples.as_ref().unwrap().is_empty()));
    }
}
