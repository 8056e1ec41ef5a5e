//! Takes the principal from a header, as behind a gateway that has authenticated the caller.

use a2a::A2AError;
use a2a_cluster::{Caller, CallerResolver, unauthenticated};
use a2a_core::Principal;
use a2a_server::ServiceParams;
use async_trait::async_trait;

/// The header, and gRPC metadata key, with the principal in it.
pub const PRINCIPAL: &str = "x-principal";

/// Whoever [`PRINCIPAL`] names; nobody else is served.
#[derive(Debug, Clone, Copy, Default)]
pub struct PrincipalHeader;

#[async_trait]
impl CallerResolver for PrincipalHeader {
    async fn resolve(&self, params: &ServiceParams) -> Result<Caller, A2AError> {
        named(params).ok_or_else(unauthenticated)
    }
}

/// Whoever [`PRINCIPAL`] names; those without it are served as nobody in particular.
#[derive(Debug, Clone, Copy, Default)]
pub struct PrincipalIfAny;

#[async_trait]
impl CallerResolver for PrincipalIfAny {
    async fn resolve(&self, params: &ServiceParams) -> Result<Caller, A2AError> {
        Ok(named(params).unwrap_or_default())
    }
}

fn named(params: &ServiceParams) -> Option<Caller> {
    let name = params.get(PRINCIPAL).and_then(|values| values.first());
    name.map(Principal::new).map(Caller::named)
}
