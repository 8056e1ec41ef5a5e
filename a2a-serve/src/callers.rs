//! Who calls, as a gateway in front of the instances says in a header.

use a2a::A2AError;
use a2a_cluster::{Caller, CallerResolver, unauthenticated};
use a2a_core::Principal;
use a2a_server::ServiceParams;
use async_trait::async_trait;
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
        // What HTTP allows around a value. Other spaces are part of a name: two names that differ in them are two.
        let principal = principal.trim_matches([' ', '\t']);
        // What is not UTF-8 names nobody.
        if principal.is_empty() || principal.contains(char::REPLACEMENT_CHARACTER) {
            return Err(unauthenticated());
        }
        Ok(principal)
    }
}

/// Nobody is known, [`unauthenticated`], unless the header is there exactly once and says something: of two principals nobody
/// can tell which one the gateway meant.
#[async_trait]
impl CallerResolver for GatewayHeader {
    async fn resolve(&self, params: &ServiceParams) -> Result<Caller, A2AError> {
        self.principal(params).map(Principal::new).map(Caller::named)
    }

    fn caller_headers(&self) -> Vec<String> {
        vec![self.name.as_str().to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use a2a_cluster::challenge;
    use futures::FutureExt;

    use super::*;

    fn resolve(values: &[&str]) -> Result<Caller, A2AError> {
        let header = GatewayHeader::new(HeaderName::from_static("x-user"));
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let params = ServiceParams::from([("x-user".to_owned(), values)]);
        header.resolve(&params).now_or_never().unwrap()
    }

    #[test]
    fn the_header_names_the_principal() {
        for (value, name) in [("ann", "ann"), (" ann\t", "ann"), ("josé", "josé"), ("ann\u{a0}", "ann\u{a0}")]
        {
            assert_eq!(resolve(&[value]).unwrap(), Caller::named(Principal::new(name)));
        }
    }

    #[test]
    fn a_header_that_is_absent_empty_or_there_twice_names_nobody() {
        for values in [&[][..], &[""], &["  "], &["ann", "ben"], &["ann", "ann"], &["a\u{fffd}"]] {
            assert!(challenge(&resolve(values).unwrap_err()).is_some(), "{values:?}");
        }
    }
}
