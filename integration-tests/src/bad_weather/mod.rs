//! A cluster on DynamoDB in bad weather, in one process: its clients offer tasks at a rate, the
//! [weather](a2a_testworld::weather) does what AWS does on a bad day, and what became of each task is counted.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here is a trial that fails")]

mod callers;
mod figures;
mod kinds;
mod place;
mod trial;
mod watch;

pub(crate) use callers::{Callers, Fate};
pub use figures::Figures;
pub use kinds::Kind;
pub use place::Place;
pub use trial::{Cost, Trial};
