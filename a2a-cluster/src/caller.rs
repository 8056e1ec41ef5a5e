//! Who calls: from service parameters to a tenant and a principal (specification, section 13.1).

use std::fmt;

use a2a::A2AError;
use a2a_core::{Principal, TaskKey, Tenant};
use a2a_server::ServiceParams;

/// The authenticated caller of a request.
///
/// Callers with unequal tenant or principal see nothing of each other's tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The tenant partition that the request selects.
    pub tenant: Tenant,
    /// Who calls; `None` where nobody tells callers apart.
    pub principal: Option<Principal>,
}

impl Caller {
    /// The key of one of this caller's tasks.
    pub(crate) fn key(&self, task_id: &str) -> TaskKey {
        TaskKey::new(self.tenant.clone(), task_id)
    }
}

/// Turns service parameters (HTTP headers, gRPC metadata; names in lower case) into a caller.
///
/// ```
/// use a2a::A2AError;
/// use a2a_cluster::{Caller, CallerResolver};
/// use a2a_core::{Principal, Tenant};
/// use a2a_server::ServiceParams;
///
/// /// Trusts the header that a gateway sets after it has authenticated the caller.
/// #[derive(Debug)]
/// struct GatewayHeader;
///
/// impl CallerResolver for GatewayHeader {
///     fn resolve(&self, params: &ServiceParams, tenant: Option<&str>) -> Result<Caller, A2AError> {
///         let user = params.get("x-user").and_then(|values| values.first());
///         let user = user.ok_or_else(a2a_cluster::unauthenticated)?;
///         Ok(Caller { tenant: Tenant::new(tenant.unwrap_or("")), principal: Some(Principal::new(user)) })
///     }
/// }
/// ```
pub trait CallerResolver: fmt::Debug + Send + Sync + 'static {
    /// Tells who calls, or why the call is refused. `tenant` is the request's own.
    fn resolve(&self, params: &ServiceParams, tenant: Option<&str>) -> Result<Caller, A2AError>;
}

/// The default: one principal for everybody, the tenant from the request.
#[derive(Debug, Clone, Copy, Default)]
pub struct SinglePrincipal;

impl CallerResolver for SinglePrincipal {
    fn resolve(&self, _params: &ServiceParams, tenant: Option<&str>) -> Result<Caller, A2AError> {
        Ok(Caller { tenant: Tenant::new(tenant.unwrap_or_default()), principal: None })
    }
}
