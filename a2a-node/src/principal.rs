//! Who calls, as a gateway in front of the instances says in a header.

use a2a::A2AError;
use a2a_cluster::{Caller, CallerResolver, SinglePrincipal, unauthenticated};
use a2a_core::{Principal, Tenant};
use a2a_server::ServiceParams;
use axum::http::HeaderName;

/// Takes the principal from a header (gRPC: metadata) that a gateway sets once it has authenticated the caller.
///
/// The header is believed as it is: a gateway that lets a client's own header through lets that client be anybody.
/// What it says is never logged.
#[derive(Debug, Clone)]
pub(crate) struct GatewayHeader {
    name: HeaderName,
}

impl GatewayHeader {
    /// Believes the header of this name.
    pub(crate) fn new(name: HeaderName) -> Self {
        Self { name }
    }
}

impl CallerResolver for GatewayHeader {
    /// # Errors
    ///
    /// `unauthenticated` unless the header is there exactly once and says something: of two principals nobody can tell
    /// which one the gateway meant.
    fn resolve(&self, params: &ServiceParams, tenant: Option<&str>) -> Result<Caller, A2AError> {
        let said = params.get(self.name.as_str()).map(Vec::as_slice).unwrap_or_default();
        let [principal] = said else { return Err(unauthenticated()) };
        let principal = principal.trim();
        if principal.is_empty() {
            return Err(unauthenticated());
        }
        let tenant = Tenant::new(tenant.unwrap_or_default());
        Ok(Caller::new(tenant, Some(Principal::new(principal))))
    }
}

/// How callers are told apart.
#[derive(Debug, Clone)]
pub(crate) enum Callers {
    /// Not at all.
    One,
    /// As a gateway says.
    Gateway(GatewayHeader),
}

impl Callers {
    /// Believes the header of this name, if there is one to believe.
    pub(crate) fn told_by(header: Option<HeaderName>) -> Self {
        header.map_or(Self::One, |name| Self::Gateway(GatewayHeader::new(name)))
    }
}

impl CallerResolver for Callers {
    fn resolve(&self, params: &ServiceParams, tenant: Option<&str>) -> Result<Caller, A2AError> {
        match self {
            Self::One => SinglePrincipal.resolve(params, tenant),
            Self::Gateway(header) => header.resolve(params, tenant),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use a2a_cluster::bindings::unavailable::is_unauthenticated;

    fn resolve(values: &[&str]) -> Result<Caller, A2AError> {
        let header = Callers::told_by(Some(HeaderName::from_static("x-user")));
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        header.resolve(&ServiceParams::from([("x-user".to_owned(), values)]), Some("t"))
    }

    #[test]
    fn the_header_names_the_principal_and_the_request_the_tenant() {
        let expected = Caller::new(Tenant::new("t"), Some(Principal::new("ann")));
        assert_eq!(resolve(&["ann"]).unwrap(), expected);
        assert_eq!(resolve(&[" ann "]).unwrap(), expected);
    }

    #[test]
    fn a_header_that_is_absent_empty_or_there_twice_names_nobody() {
        for values in [&[][..], &[""], &["  "], &["ann", "ben"], &["ann", "ann"]] {
            assert!(is_unauthenticated(&resolve(values).unwrap_err()), "{values:?}");
        }
    }

    #[test]
    fn without_a_header_everybody_is_one() {
        let caller = Callers::told_by(None).resolve(&ServiceParams::new(), None).unwrap();
        assert_eq!(caller, Caller::new(Tenant::default(), None));
    }
}
