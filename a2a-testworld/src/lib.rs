//! The world that tests and benches share above one crate.
//!
//! A [`Fleet`] is some instances on real sockets, each with a runtime of its own, behind a [`LoadBalancer`]; they stand
//! on any [`Backends`] and are started, killed, retired and, by the [weather](backends::Weathered) of their backends,
//! frozen. A [`FaultProxy`] stands before a service, whose connections it can cut or silence. What the instances run, and
//! the card that they serve, are the testkit's: [`a2a_testkit::agent`], [`a2a_testkit::card()`].
//!
//! A [`WeatherProxy`](weather::WeatherProxy) stands before an endpoint of DynamoDB and plays [AWS's bad days](weather).
//!
//! A [`World`] is some instances without sockets, on the runtime and the clock of a test.
//!
//! Depend on this crate from tests and benches only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what fails here is a test that fails, and nothing but tests depends on this crate"
)]

pub mod backends;
pub mod client;
pub mod connection_balancer;
pub mod fault_proxy;
pub mod fleet;
pub mod link;
pub mod load_balancer;
pub mod principal;
pub mod sockets;
pub mod steady_load;
pub mod weather;
pub mod world;

pub use backends::{Backend, Backends};
pub use client::Client;
pub use connection_balancer::ConnectionBalancer;
pub use fault_proxy::{FaultProxy, Passage};
pub use fleet::{Fleet, PATIENCE, Plan};
pub use load_balancer::LoadBalancer;
pub use sockets::{Binding, Sockets};
pub use steady_load::SteadyLoad;
pub use world::World;
