//! Who calls: from service parameters to a tenant, a principal and claims (specification, section 13.1).

use std::collections::BTreeMap;
use std::fmt;

use a2a::A2AError;
use a2a_core::{CallerContext, Principal, TaskKey, Tenant};
use a2a_server::ServiceParams;
use async_trait::async_trait;
use serde_json::{Map, Value};

/// The authenticated caller of a request: callers with unequal principals see nothing of each other's tasks.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// Who calls; `None` for whoever is nobody in particular.
    pub principal: Option<Principal>,
    /// What the agent may know of the caller beside the name. It is stored with the task, so that an agent which
    /// resumes the task elsewhere knows it, too. At most 4 KiB as JSON, headers of
    /// [`Config::agent_headers`](crate::Config::agent_headers) included; a caller with more is refused.
    pub claims: Map<String, Value>,
}

/// Claims are content: no log shows them.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("principal", &self.principal).finish_non_exhaustive()
    }
}

impl Caller {
    /// A caller of whom nothing but the name is known.
    pub fn named(principal: Principal) -> Self {
        Caller { principal: Some(principal), claims: Map::new() }
    }

    /// Lets agents know this of the caller.
    #[must_use]
    pub fn with_claims(mut self, claims: Map<String, Value>) -> Self {
        self.claims = claims;
        self
    }
}

/// A caller in the tenant that the request is for: callers with unequal tenant or principal see nothing of each other's
/// tasks.
#[derive(Debug, Clone)]
pub(crate) struct TenantCaller {
    pub(crate) tenant: Tenant,
    pub(crate) principal: Option<Principal>,
    claims: Map<String, Value>,
}

impl TenantCaller {
    pub(crate) fn new(tenant: Tenant, caller: Caller) -> Self {
        TenantCaller { tenant, principal: caller.principal, claims: caller.claims }
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

/// Tells who calls, from a request's service parameters (HTTP headers, gRPC metadata; names in lower case).
///
/// Where there is one, it is asked once for each request; `a2a-serve` asks before it reads the body, so that nobody makes a
/// server read what it would then refuse. It may take its time, up to [`Config::request_patience`](crate::Config::request_patience):
/// it may fetch keys, or ask another service.
///
/// ```
/// use a2a::A2AError;
/// use a2a_cluster::{Caller, CallerResolver};
/// use a2a_core::Principal;
/// use a2a_server::ServiceParams;
/// use async_trait::async_trait;
///
/// /// Trusts the header that a gateway sets after it has authenticated the caller.
/// #[derive(Debug)]
/// struct GatewayHeader;
///
/// #[async_trait]
/// impl CallerResolver for GatewayHeader {
///     async fn resolve(&self, params: &ServiceParams) -> Result<Caller, A2AError> {
///         let user = params.get("x-user").and_then(|values| values.first());
///         let user = user.ok_or_else(a2a_cluster::unauthenticated)?;
///         Ok(Caller::named(Principal::new(user)))
///     }
/// }
/// ```
#[async_trait]
pub trait CallerResolver: fmt::Debug + Send + Sync + 'static {
    /// Tells who calls. Cancel safe: a request that is given up drops it.
    ///
    /// # Errors
    ///
    /// [`unauthenticated`](crate::unauthenticated) where credentials are missing or not accepted,
    /// [`forbidden`](crate::forbidden) for whoever is known and may not ask, [`unavailable`](crate::unavailable) where it
    /// cannot be told now.
    async fn resolve(&self, params: &ServiceParams) -> Result<Caller, A2AError>;

    /// The headers that it believes: a start is refused where agents would see one of them. A resolver around another passes on what
    /// that one says.
    fn caller_headers(&self) -> Vec<String> {
        Vec::new()
    }

    /// Tells in which tenant's partition the caller acts: by default in the one that the request names, empty for none.
    ///
    /// # Errors
    ///
    /// [`forbidden`](crate::forbidden) for whoever has no business in it.
    fn tenant(&self, caller: &Caller, requested: &str) -> Result<Tenant, A2AError> {
        let _ = caller;
        Ok(Tenant::new(requested))
    }
}
