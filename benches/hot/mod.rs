//! The hot paths: what a server does for each event or task, cut out so that it can be measured by itself.
//!
//! `benches/hot_paths.rs` times them, `tests/allocations.rs` counts what they allocate. Each runs on one thread and on
//! a clock that stands still, so that what it does is the same at each run.

pub(crate) mod codec;
pub(crate) mod commit;
pub(crate) mod fan_out;
pub(crate) mod follower;
pub(crate) mod reducer;
pub(crate) mod request;
pub(crate) mod sample;
pub(crate) mod shuffled;
pub(crate) mod world;
