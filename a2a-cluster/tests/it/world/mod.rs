//! The world of the cluster's own tests: that of the test world, for every bus, a store that counts, refuses and
//! hangs, and a bus that is listened in on.

pub(crate) mod bus;
pub(crate) mod hooked;
pub(crate) mod tapped;

pub(crate) use a2a_testworld::world::*;

pub(crate) use bus::{about, on_every_bus};
