//! Several instances, in this process or against real backends; and the arrows between our crates.

pub use a2a_testaws as endpoint;

pub mod account;
pub mod backends;
pub mod bad_weather;
pub mod bus_weather;
pub mod client;
pub mod clients;
mod hook;
pub mod own_server;
pub mod processes;
pub mod raw;
pub mod scenarios;
