//! Who calls: from service parameters to a tenant, a principal and claims (specification, section 13.1).

use std::collections::BTreeMap;
use std::fmt;

use a2a::A2AError;
use a2a_core::{CallerContext, Principal, TaskKey, Tenant};
use a2a_server::ServiceParams;
use serde_json::{Map, Value};

/// The authenticated caller of a request.
///
/// Callers with unequal tenant or principal see nothing of each other's tasks.
#[derive(Clone, PartialEq, Eq)]
pub struct Caller {
    /// The tenant partition that the request selects.
    pub tenant: Tenant,
    /// Who calls; `None` where nobody tells callers apart.
    pub principal: Option<Principal>,
    /// What the agent may know of the caller beside the name. It is stored with the task, so that an agent which
    /// resumes the task elsewhere knows it, too. At most 4 KiB as JSON, headers of
    /// [`Config::agent_headers`](crate::Config::agent_headers) included; a caller with more is refused.
    pub claims: Map<String, Value>,
}

/// Claims are content: no log shows them.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("tenant", &self.tenant)
            .field("principal", &self.principal)
            .finish_non_exhaustive()
    }
}

impl Caller {
    /// A caller of whom nothing else is known.
    pub fn new(tenant: Tenant, principal: Option<Principal>) -> Self {
        Caller { tenant, principal, claims: Map::new() }
    }

    /// Lets agents know this of the caller.
    #[must_use]
    pub fn with_claims(mut self, claims: Map<String, Value>) -> Self {
        self.claims = claims;
        self
    }

    /// The key of one of this caller's tasks.
    pub(crate) fn key(&self, task_id: &str) -> TaskKey {
        TaskKey::new(self.tenant.clone(), task_id)
    }

    /// What an agent may know of this caller: the claims, and those headers that the operator lets agents see.
    ///
    /// # Errors
    ///
    /// `InvalidParams` where that is more than is kept.
    pub(crate) fn context(
        &self,
        params: &ServiceParams,
        headers: &[String],
    ) -> Result<CallerContext, A2AError> {
        let shown = |name: &str| headers.iter().any(|shown| shown.eq_ignore_ascii_case(name));
        let mut seen = BTreeMap::<String, Vec<String>>::new();
        for (name, values) in params.iter().filter(|(name, _)| shown(name)) {
            seen.entry(name.to_ascii_lowercase()).or_default().extend(values.iter().cloned());
        }
        let context = CallerContext { claims: self.claims.clone(), headers: seen };
        if context.bytes() > CallerContext::MAX_BYTES {
            return Err(A2AError::invalid_params(format!(
                "what is known of the caller, claims and headers together, is over the limit of {} bytes",
                CallerContext::MAX_BYTES
            )));
        }
        Ok(context)
    }
}

/// The parameters of a request that are the protocol's own: these every agent sees.
pub(crate) fn protocol_params(params: &ServiceParams) -> ServiceParams {
    let is_own = |name: &str| name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("a2a-"));
    params
        .iter()
        .filter(|(name, _)| is_own(name))
        .map(|(name, values)| (name.clone(), values.clone()))
        .collect()
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
///         Ok(Caller::new(Tenant::new(tenant.unwrap_or("")), Some(Principal::new(user))))
///     }
/// }
/// ```
pub trait CallerResolver: fmt::Debug + Send + Sync + 'static {
    /// Tells whether the caller may ask at all, from what comes before the body. A server asks this first, so that nobody
    /// makes it read what it would then refuse. By default everybody may, and [`resolve`](CallerResolver::resolve) decides.
    ///
    /// # Errors
    ///
    /// Mostly [`unauthenticated`](crate::unauthenticated).
    fn authenticate(&self, params: &ServiceParams) -> Result<(), A2AError> {
        let _ = params;
        Ok(())
    }

    /// Tells who calls, or why the call is refused. `tenant` is the request's own.
    fn resolve(&self, params: &ServiceParams, tenant: Option<&str>) -> Result<Caller, A2AError>;
}

/// The default: one principal for everybody, the tenant from the request.
#[derive(Debug, Clone, Copy, Default)]
pub struct SinglePrincipal;

impl CallerResolver for SinglePrincipal {
    fn resolve(&self, _params: &ServiceParams, tenant: Option<&str>) -> Result<Caller, A2AError> {
        Ok(Caller::new(Tenant::new(tenant.unwrap_or_default()), None))
    }
}
