//! The extended agent card (specification, section 3.1.11).

use a2a::{A2AError, AgentCard};
use a2a_server::ServiceParams;

use crate::caller::TenantCaller;
use crate::ground::refusals::unauthenticated;
use crate::instance::Instance;

/// Returns the extended card to whoever is known (specification, section 13.3).
pub(super) fn extended(
    instance: &Instance,
    params: &ServiceParams,
    caller: &TenantCaller,
) -> Result<AgentCard, A2AError> {
    if instance.service.card.capabilities.extended_agent_card != Some(true) {
        return Err(A2AError::unsupported_operation("the agent card declares no extended agent card"));
    }
    let Some(resolver) = &instance.service.extended_card else {
        return Err(A2AError::extended_card_not_configured());
    };
    if caller.principal.is_none() && !instance.ground.config.extended_card_for_anybody {
        return Err(unauthenticated());
    }
    resolver.resolve(params)
}
