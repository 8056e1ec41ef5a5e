//! The A2A SDK request handler over any store and bus: execution, feeds, cancel, recovery

pub mod bindings;
