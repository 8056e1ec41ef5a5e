//! Several instances against real backends; and the arrows between our crates.

pub mod endpoint;
