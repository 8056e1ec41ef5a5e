//! Resolves a webhook's host to its public addresses only, at the moment of the connection: what a name led to
//! when its config was created says nothing of where it leads now.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec::IntoIter;

use hyper_util::client::legacy::connect::dns::Name;
use thiserror::Error;
use tower::Service;

use super::guard::is_private;

/// The system's resolver, unless it is told otherwise without the answers that lead into this machine's network.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    pub(super) allows_local: bool,
}

#[derive(Debug, Error)]
#[error("the host has local or private addresses only")]
struct NoPublicAddress;

impl Service<Name> for Names {
    type Response = IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<IntoIter<SocketAddr>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allows_local = self.allows_local;
        Box::pin(async move {
            // The client puts the port in.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let left: Vec<SocketAddr> =
                found.filter(|address| allows_local || !is_private(address.ip())).collect();
            if left.is_empty() { Err(io::Error::other(NoPublicAddress)) } else { Ok(left.into_iter()) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolve(name: &str, allows_local: bool) -> io::Result<Vec<SocketAddr>> {
        let found = Names { allows_local }.call(name.parse().unwrap()).await?;
        Ok(found.collect())
    }

    #[tokio::test]
    async fn only_public_addresses_are_left() {
        for local in ["127.0.0.1", "10.1.2.3", "::1"] {
            assert!(resolve(local, false).await.is_err(), "{local}");
            assert_eq!(resolve(local, true).await.unwrap().len(), 1, "{local}");
        }
        for public in ["203.0.113.9", "2001:db8::1"] {
            assert_eq!(resolve(public, false).await.unwrap().len(), 1, "{public}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_here_does_not_resolve() {
        let error = resolve("localhost", false).await.unwrap_err();
        assert!(error.get_ref().is_some_and(|inner| inner.is::<NoPublicAddress>()), "{error}");
    }
}
