//! The three bindings from outside: each rule as a table, on every binding that it applies to.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail, and its runtime ends with it"
)]

mod answers;
mod browsers;
mod cancel_body;
mod cards;
mod connections;
mod crowded;
mod draining;
mod errors;
mod example;
mod floods;
mod gateways;
mod grpc_compression;
mod grpc_decoding;
mod handler;
mod http2;
mod idle;
mod in_flight;
mod jsonrpc_envelope;
mod jwt;
mod limits;
mod lists;
mod messages;
mod nested;
mod reflection;
mod rest_errors;
mod run_until;
mod server;
mod serving;
mod streams;
mod tenants;
#[cfg(target_os = "linux")]
mod unread_streams;
mod vanished;
mod versions;
mod webhooks;
mod wire;
