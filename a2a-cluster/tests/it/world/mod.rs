//! The world of the cluster's own tests: that of the test world, for every bus, and stores that count, refuse and hang.

pub(crate) mod bus;
pub(crate) mod checked;
pub(crate) mod counting;
pub(crate) mod hooked;

pub(crate) use a2a_testworld::world::*;

pub(crate) use bus::{about, on_every_bus};
