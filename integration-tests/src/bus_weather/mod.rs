//! A cluster whose bus is SNS and SQS in bad weather, in one process: many instances start at once, are replaced, lose SQS or
//! the topic, while clients follow tasks on instances that do not run them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here is a trial that fails")]

mod place;
mod report;
mod trial;

pub use place::Place;
pub use report::Report;
pub use trial::Trial;
