//! Push notifications: a task's events, posted to the webhooks that its caller configured (specification,
//! sections 4.3 and 13.2).
//!
//! The executor's instance delivers, off everybody's path, by one *courier* per task that has configs. Each
//! config has a cursor of its own, so a slow or failing webhook holds up neither the agent, nor a stream, nor
//! another webhook. It reads the task's feed, or the store where it is behind, and keeps no queue. Events
//! arrive in order and at least once; how far a webhook got is written to the store now and then.
//!
//! As long as something is to be delivered, the task keeps its executor in the store, even once it is parked
//! or has ended: whoever finds that executor dead goes on from the last acknowledged version. The courier
//! releases the task when it is done.

mod acknowledgement;
mod backoff;
mod changes;
mod configs;
mod courier;
mod couriers;
mod request;
mod route;
mod transport;

pub(crate) use changes::changed;
pub(crate) use configs::{check_room, save};
pub(crate) use couriers::Couriers;
pub use transport::{WebhookAnswer, WebhookFailure, WebhookRequest, WebhookTransport};
