//! One rule of the core each, on a single actor that is told what stores, agents and other instances say.

mod bench;
mod cancels;
mod claims;
mod clocks;
mod follows;
mod runs;
