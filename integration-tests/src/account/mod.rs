//! A trial in a real account of AWS, or on an emulator: it makes a deployment of its own, does what only an account can answer,
//! removes everything, and says what it cost.
//!
//! What it makes has names that begin with one name, which has a random part, so that it is found and removed whatever became
//! of the program. `docs/account.md` says what it needs and shows.

#![allow(clippy::print_stdout, reason = "a trial tells people how far it is")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what fails here is a trial that fails"
)]

mod budget;
mod denial;
mod filters;
mod kills;
mod options;
mod pace;
mod phase;
mod provision;
mod stage;
mod suites;
mod tear_down;
mod trial;
mod whose;

pub use options::Options;
pub use trial::run;
