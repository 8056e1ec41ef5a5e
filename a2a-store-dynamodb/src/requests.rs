//! Requests to DynamoDB: the client, what an attempt's failure means, when it is repeated, and at which pace parts are
//! written. Nothing here knows what an item holds.

pub(crate) mod attempts;
pub(crate) mod calls;
pub(crate) mod client;
pub(crate) mod error;
pub(crate) mod pace;

pub use error::Fault;
