//! Push notifications: a task's events, posted to the webhooks that its caller configured (specification,
//! sections 4.3 and 13.2).
//!
//! The executor's instance delivers, off everybody's path, by one *dispatcher* per task that has configs, and one *delivery*
//! per config, with a cursor of its own: a slow or failing webhook holds up neither the agent, nor a stream, nor another
//! webhook. It reads the ring of the task's actor, or the store where it is behind, and keeps no queue. Events arrive in order
//! and at least once, each under an id of its own; how far a webhook got is written to the store now and then.
//!
//! Chunks that wait are told together. Where very many wait, or a webhook takes none of it, it is told the task as it is; and
//! whatever it refuses, it is told how the turn ended, or the list of what was given up says why not.
//!
//! As long as something is to be delivered, the task keeps its executor in the store, even once it is parked or has ended:
//! whoever finds that executor dead goes on from the last acknowledged version. The dispatcher releases the task when it is
//! done.

mod acknowledgement;
mod backoff;
mod call;
mod changes;
mod check;
mod configs;
mod delivery;
mod dispatcher;
mod ending;
mod form;
mod last_words;
mod notification;
mod plan;
mod progress;
mod record;
mod redeliver;
mod registry;
mod request;
#[cfg(test)]
mod sample_log;
mod secrets;
mod shares;
mod transport;
mod verdict;

pub(crate) use changes::changed;
pub(crate) use check::check;
pub(crate) use configs::{Wants, check_room, save};
pub use redeliver::{Redelivery, redeliver};
pub(crate) use registry::Dispatchers;
pub(crate) use secrets::veiled;
pub use transport::{WebhookAnswer, WebhookFailure, WebhookRequest, WebhookTransport};
