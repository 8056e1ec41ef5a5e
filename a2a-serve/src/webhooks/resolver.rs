//! Resolves a webhook's host at the moment of the connection, and refuses it if it leads anywhere but to the public internet:
//! what a name led to when its config was created says nothing of where it leads now.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec::IntoIter;

use futures::FutureExt;
use futures::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::Name;
use thiserror::Error;
use tower::Service;

use super::addresses::reserved;

type Answer = BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

/// Names with their addresses, which are those that the client connects to: nobody asks twice.
#[derive(Clone)]
pub(super) struct Names {
    lookup: Arc<dyn Fn(Name) -> Answer + Send + Sync>,
    allows_local: bool,
}

/// Whoever lets a public name lead to a private address as well means that one: the whole name is refused, not that answer.
#[derive(Debug, Error)]
#[error("the host has an address that is not public")]
pub(super) struct NotPublic;

impl Names {
    /// As the system resolves them.
    pub(super) fn of_system(allows_local: bool) -> Self {
        // The client puts the port in.
        let lookup = |name: Name| {
            async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect()) }.boxed()
        };
        Self::new(lookup, allows_local)
    }

    pub(super) fn new(lookup: impl Fn(Name) -> Answer + Send + Sync + 'static, allows_local: bool) -> Self {
        Names { lookup: Arc::new(lookup), allows_local }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("allows_local", &self.allows_local).finish_non_exhaustive()
    }
}

impl Service<Name> for Names {
    type Response = IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<IntoIter<SocketAddr>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (found, allows_local) = ((self.lookup)(name), self.allows_local);
        Box::pin(async move {
            let found = found.await?;
            if !allows_local && found.iter().any(|address| reserved(address.ip()).is_some()) {
                return Err(io::Error::other(NotPublic));
            }
            Ok(found.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolve(names: &mut Names) -> io::Result<Vec<SocketAddr>> {
        Ok(names.call("receiver.example".parse().unwrap()).await?.collect())
    }

    /// Names that all lead to these addresses.
    fn leading_to(addresses: &[&str], allows_local: bool) -> Names {
        let found: Vec<SocketAddr> =
            addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect();
        Names::new(move |_| std::future::ready(Ok(found.clone())).boxed(), allows_local)
    }

    fn is_refused(answer: &io::Result<Vec<SocketAddr>>) -> bool {
        answer.as_ref().is_err_and(|error| error.get_ref().is_some_and(|inner| inner.is::<NotPublic>()))
    }

    #[tokio::test]
    async fn a_name_with_an_address_that_is_not_public_is_refused_whole() {
        for local in ["127.0.0.1", "10.1.2.3", "::1", "169.254.169.254", "64:ff9b::10.0.0.1"] {
            for addresses in [&[local][..], &["93.184.215.14", local], &[local, "2606:2800::1", "1.1.1.1"]] {
                let answer = resolve(&mut leading_to(addresses, false)).await;
                assert!(is_refused(&answer), "{addresses:?}: {answer:?}");
                let all = resolve(&mut leading_to(addresses, true)).await.unwrap();
                assert_eq!(all.len(), addresses.len(), "{addresses:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_name_with_public_addresses_has_all_of_them() {
        let addresses = ["93.184.215.14", "2606:2800::1", "64:ff9b::93.184.215.14"];
        assert_eq!(resolve(&mut leading_to(&addresses, false)).await.unwrap().len(), 3);
    }

    #[tokio::test]
    async fn the_systems_own_names_are_refused() {
        let answer = Names::of_system(false).call("localhost".parse().unwrap()).await;
        assert!(is_refused(&answer.map(Iterator::collect)));
    }
}
