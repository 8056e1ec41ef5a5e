//! Takes the principal from a header, as behind a gateway that has authenticated the caller.

use a2a::A2AError;
use a2a_cluster::{Caller, CallerResolver, unauthenticated};
use a2a_core::{Principal, Tenant};
use a2a_server::ServiceParams;

/// The header, and gRPC metadata key, with the principal in it.
pub const PRINCIPAL: &str = "x-principal";

/// Whoever [`PRINCIPAL`] names; nobody else is served.
#[derive(Debug, Clone, Copy, Default)]
pub struct PrincipalHeader;

impl CallerResolver for PrincipalHeader {
    fn resolve(&self, params: &ServiceParams, tenant: Option<&str>) -> Result<Caller, A2AError> {
        let caller = PrincipalIfAny.resolve(params, tenant)?;
        if caller.principal.is_some() { Ok(caller) } else { Err(unauthenticated()) }
    }
}

/// Whoever [`PRINCIPAL`] names; those without it are served as nobody in particular.
#[derive(Debug, Clone, Copy, Default)]
pub struct PrincipalIfAny;

impl CallerResolver for PrincipalIfAny {
    fn resolve(&self, params: &ServiceParams, tenant: Option<&str>) -> Result<Caller, A2AError> {
        let name = params.get(PRINCIPAL).and_then(|values| values.first());
        Ok(Caller::new(Tenant::new(tenant.unwrap_or_default()), name.map(Principal::new)))
    }
}
