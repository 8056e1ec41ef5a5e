//! Requests that say nothing but what matters.

pub use a2a_testworld::world::{configuration, follow_up as replying, list as everything, request as saying};
