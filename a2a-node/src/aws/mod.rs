//! The backends on AWS.

mod clients;
mod endpoints;
mod open;

pub(crate) use endpoints::Endpoints;
pub(crate) use open::{OpenError, open};
