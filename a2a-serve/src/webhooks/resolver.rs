//! Resolves a webhook's host to its public addresses only, at the moment of the connection: what a name led to
//! when its config was created says nothing of where it leads now.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

use super::guard::is_private;

/// The system's resolver without the answers that lead into this machine's network.
#[derive(Debug, Clone, Copy)]
pub(super) struct PublicOnly;

#[derive(Debug, Error)]
#[error("the host has local or private addresses only")]
struct NoPublicAddress;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The client puts the port in.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = public(found).collect();
            if public.is_empty() {
                return Err(NoPublicAddress.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

fn public(found: impl Iterator<Item = SocketAddr>) -> impl Iterator<Item = SocketAddr> {
    found.filter(|address| !is_private(address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_left() {
        let found = ["127.0.0.1:0", "203.0.113.9:0", "10.1.2.3:0", "[::1]:0", "[2001:db8::1]:0"];
        let left: Vec<String> = public(found.iter().map(|text| text.parse().unwrap()))
            .map(|address| address.to_string())
            .collect();
        assert_eq!(left, ["203.0.113.9:0", "[2001:db8::1]:0"]);
    }

    #[tokio::test]
    async fn a_name_that_leads_here_does_not_resolve() {
        let Err(error) = PublicOnly.resolve("localhost".parse().unwrap()).await else {
            panic!("localhost has no public address")
        };
        assert!(error.is::<NoPublicAddress>(), "{error}");
    }
}
