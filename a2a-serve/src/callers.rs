//! Who calls, as a gateway in front of the instances says in a header.

use a2a::A2AError;
use a2a_cluster::{Caller, CallerResolver, unauthenticated};
use a2a_core::{Principal, Tenant};
use a2a_server::ServiceParams;
use http::HeaderName;

/// Takes the principal from a header (gRPC: metadata) that a gateway sets once it has authenticated the caller.
///
/// The header is believed as it is: a gateway that lets a client's own header through lets that client be anybody.
/// What it says is never logged.
#[derive(Debug, Clone)]
pub struct GatewayHeader {
    name: HeaderName,
}

impl GatewayHeader {
    /// Believes the header of this name.
    #[must_use]
    pub fn new(name: HeaderName) -> Self {
        Self { name }
    }
}

impl GatewayHeader {
    fn principal<'a>(&self, params: &'a ServiceParams) -> Result<&'a str, A2AError> {
        let said = params.get(self.name.as_str()).map(Vec::as_slice).unwrap_or_default();
        let [principal] = said else { return Err(unauthenticated()) };
        let principal = principal.trim();
        // What is not UTF-8 names nobody.
        if principal.is_empty() || principal.contains(char::REPLACEMENT_CHARACTER) {
            return Err(unauthenticated());
        }
        Ok(principal)
    }
}

/// Both fail with `unauthenticated` unless the header is there exactly once and says something: of two principals nobody can
/// tell which one the gateway meant.
impl CallerResolver for GatewayHeader {
    fn authenticate(&self, params: &ServiceParams) -> Result<(), A2AError> {
        self.principal(params).map(drop)
    }

    fn resolve(&self, params: &ServiceParams, tenant: Option<&str>) -> Result<Caller, A2AError> {
        let principal = self.principal(params)?;
        let tenant = Tenant::new(tenant.unwrap_or_default());
        Ok(Caller::new(tenant, Some(Principal::new(principal))))
    }
}

#[cfg(test)]
mod tests {
    use a2a_cluster::is_unauthenticated;

    use super::*;

    fn resolve(values: &[&str]) -> Result<Caller, A2AError> {
        let header = GatewayHeader::new(HeaderName::from_static("x-user"));
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        header.resolve(&ServiceParams::from([("x-user".to_owned(), values)]), Some("t"))
    }

    #[test]
    fn the_header_names_the_principal_and_the_request_the_tenant() {
        for values in [["ann"], [" ann "], ["josé"]] {
            let expected = Caller::new(Tenant::new("t"), Some(Principal::new(values[0].trim())));
            assert_eq!(resolve(&values).unwrap(), expected);
        }
    }

    #[test]
    fn a_header_that_is_absent_empty_or_there_twice_names_nobody() {
        for values in [&[][..], &[""], &["  "], &["ann", "ben"], &["ann", "ann"], &["a\u{fffd}"]] {
            assert!(is_unauthenticated(&resolve(values).unwrap_err()), "{values:?}");
        }
    }
}
