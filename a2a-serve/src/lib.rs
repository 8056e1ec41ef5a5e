//! What lies between the network and a [`Cluster`](a2a_cluster::Cluster).
//!
//! So far: [`HttpWebhooks`], by which a cluster posts push notifications.

mod webhooks;

pub use webhooks::HttpWebhooks;
