//! What a fleet can stand on that is on AWS, wholly or by half.

#![allow(clippy::unwrap_used, reason = "what fails here is a test that fails")]

mod aws;
mod environment;
mod mixed;

pub use aws::OnAws;
pub use environment::Environment;
pub use mixed::{StoreOnAws, TrafficOnAws};
