//! The store's tests, each at a table of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail"
)]

mod across_processes;
mod claims;
mod conformance;
mod costs;
mod deletion;
mod denied;
mod fences;
mod forgetting;
mod head_after;
mod keys;
mod large;
mod left_over;
mod limits;
mod one_commit;
mod outage;
mod place;
mod races;
mod retention;
mod snapshots;
mod tables;
mod unreadable;
mod usual;
mod weather;
