//! What an operator sees: metrics, one trace across instances, readiness, and never what a message says.

mod denials;
mod faulty;
pub(crate) mod logs;
mod metrics;
mod readiness;
mod secrets;
mod service;
mod traces;
