//! Real server processes on AWS services, behind a load balancer, and all that can befall them.
//!
//! A [`Cluster`] is some processes with one [`Resources`] (table, topic, queues) behind one load balancer. Clients
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
mod cluster;
pub mod deaths;
pub mod drains;
pub mod kills;
pub mod listener;
pub mod load;
mod node;
mod own_process;
mod process;
mod process_log;
mod resources;
pub mod webhooks;
mod workload;

pub use caller::Caller;
pub use cluster::{Cluster, Plan};
pub use node::Node;
pub use process::{LIFELINE, Launch, Process};
pub use process_log::ProcessLog;
pub use resources::{FaultProxies, Leftovers, Resources};
pub use workload::{Placement, Running, Workload};
