//! The backends on AWS, what keeps them clean, and the operator's commands for them.

mod caretaker;
mod clients;
mod doctor;
mod endpoints;
mod farewell;
mod fault;
pub mod meter;
mod open;
mod operate;
mod provision;
mod reap;
mod roster;
mod sightings;
mod status;
mod sweep;

pub(crate) use caretaker::Caretaker;
pub(crate) use endpoints::Endpoints;
pub(crate) use open::{OpenError, open};
pub(crate) use operate::operate;
