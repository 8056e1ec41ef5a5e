//! The extended agent card (specification, section 3.1.11).

use a2a::{A2AError, AgentCard};
use a2a_server::ServiceParams;

use crate::instance::Instance;

/// Returns the extended card for whoever asks.
pub(super) fn extended(instance: &Instance, params: &ServiceParams) -> Result<AgentCard, A2AError> {
    if instance.service.card.capabilities.extended_agent_card != Some(true) {
        return Err(A2AError::unsupported_operation("the agent card declares no extended agent card"));
    }
    match &instance.service.extended_card {
        Some(resolver) => resolver.resolve(params),
        None => Err(A2AError::extended_card_not_configured()),
    }
}
