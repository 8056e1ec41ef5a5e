//! The backends on AWS, and the operator's commands for them.

mod clients;
mod doctor;
mod fault;
mod forget;
mod members;
pub mod meter;
mod open;
mod operate;
mod provision;
mod reap;
mod renew_key;
mod status;
mod webhooks;

pub(crate) use open::{OpenError, open};
pub(crate) use operate::operate;
