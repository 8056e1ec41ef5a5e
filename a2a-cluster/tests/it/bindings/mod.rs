//! The three bindings from outside: each rule as a table, on every binding that it applies to.

mod cancel_body;
mod errors;
mod grpc_decoding;
mod handler;
mod jsonrpc_envelope;
mod limits;
mod lists;
mod messages;
mod rest_errors;
mod serving;
mod streams;
mod tenants;
mod versions;
mod wire;
