//! How many connections may be open: together, and from one address. Beyond that a few more are taken, for whoever asks after
//! the server's health.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::Request;
use axum::http::header::{CONNECTION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tower::{Service, service_fn};

use crate::bindings::discard::discard;

/// How many connections are taken beyond the bound.
const RESERVED: usize = 64;
/// What is answered on those.
const HEALTH: [&str; 4] =
    ["/healthz", "/readyz", "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"];

/// Bounds of one socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// How many connections may be open.
    pub(crate) connections: usize,
    /// How many of them from one address. `None`: all, for a load balancer has few.
    pub(crate) per_address: Option<usize>,
    /// How many streams one HTTP/2 connection may have open.
    pub(crate) streams: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { connections: 10_000, per_address: None, streams: 10_000 }
    }
}

/// The connections that are open.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    bounds: Bounds,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection's place, for as long as it lives.
#[derive(Debug)]
pub(super) struct Slot {
    address: IpAddr,
    /// It is one beyond the bound: only health is answered on it.
    pub(super) is_reserved: bool,
    open: Arc<Mutex<Open>>,
}

impl Slots {
    pub(super) fn new(bounds: Bounds) -> Self {
        Slots { bounds, open: Arc::default() }
    }

    /// Finds a place for one more connection. `None`: there is none, not even for those who ask after the health.
    pub(super) fn take(&self, address: IpAddr) -> Option<Slot> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let own = open.by_address.get(&address).copied().unwrap_or_default();
        let over_all = open.all.checked_sub(self.bounds.connections);
        let over_own = self.bounds.per_address.and_then(|most| own.checked_sub(most));
        let beyond = over_all.max(over_own);
        if beyond.is_some_and(|beyond| beyond >= RESERVED) {
            return None;
        }
        open.all += 1;
        *open.by_address.entry(address).or_default() += 1;
        Some(Slot { address, is_reserved: beyond.is_some(), open: Arc::clone(&self.open) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all = open.all.saturating_sub(1);
        if let Some(own) = open.by_address.get_mut(&self.address) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

/// What is served beyond the bound: health, and to everybody else that there is no room.
pub(super) fn health_only(router: &Router) -> Router {
    let router = router.clone();
    Router::new().fallback_service(service_fn(move |mut request: Request| {
        let mut router = router.clone();
        async move {
            if HEALTH.contains(&request.uri().path()) {
                return router.call(request).await;
            }
            Box::pin(discard(&mut request)).await;
            let advice = [
                (RETRY_AFTER, HeaderValue::from_static("1")),
                (CONNECTION, HeaderValue::from_static("close")),
            ];
            let refused: Response =
                (StatusCode::SERVICE_UNAVAILABLE, advice, "too many connections\n").into_response();
            Ok::<_, Infallible>(refused)
        }
    }))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, last).into()
    }

    #[test]
    fn beyond_the_bound_some_more_are_taken_for_health_and_no_more_than_that() {
        let slots = Slots::new(Bounds { connections: 3, ..Bounds::default() });
        let taken: Vec<_> = (0..3).map(|_| slots.take(address(1)).unwrap()).collect();
        assert!(taken.iter().all(|slot| !slot.is_reserved));
        let beyond: Vec<_> = (0..RESERVED).map(|_| slots.take(address(2)).unwrap()).collect();
        assert!(beyond.iter().all(|slot| slot.is_reserved));
        assert!(slots.take(address(3)).is_none());
        drop(taken);
        assert!(slots.take(address(3)).is_some());
        drop(beyond);
        assert!(!slots.take(address(3)).unwrap().is_reserved);
        assert!(slots.open.lock().unwrap().by_address.is_empty());
    }

    #[test]
    fn one_address_does_not_take_all() {
        let slots = Slots::new(Bounds { connections: 100, per_address: Some(2), ..Bounds::default() });
        let own: Vec<_> = (0..2 + RESERVED).map(|_| slots.take(address(1)).unwrap()).collect();
        assert_eq!(own.iter().filter(|slot| !slot.is_reserved).count(), 2);
        assert!(slots.take(address(1)).is_none());
        assert!(!slots.take(address(2)).unwrap().is_reserved);
    }
}
