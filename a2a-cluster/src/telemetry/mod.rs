//! What an operator can see: metrics through the `metrics` facade.

mod webhooks;

#[allow(unused_imports, reason = "deliveries report here")]
pub(crate) use webhooks::{Attempt, webhook_attempt};
