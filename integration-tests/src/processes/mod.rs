//! Real server processes on AWS services, behind a load balancer, and all that can befall them.
//!
//! A [`Crew`] is some processes with one [`Site`] (table, topic, queues) and one [`LoadBalancer`](a2a_testworld::LoadBalancer). Clients
//! are the SDK's own ([`Caller`]); a [`listener`] wants all of a task's stream and comes again whatever breaks. What
//! the listeners recorded, [`audit`] holds against the log in the table.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what fails here is a test that fails"
)]

pub mod audit;
pub mod bill;
mod caller;
mod crew;
mod journal;
pub mod kills;
pub mod listener;
pub mod load;
mod node;
mod show;
mod site;

pub use caller::{Caller, Events, saying};
pub use crew::{Crew, Plan};
pub use journal::Journal;
pub use node::{LIFELINE, Launch, Node};
pub use show::{Performance, Placement, Show};
pub use site::{FaultProxies, Leftovers, Site};
