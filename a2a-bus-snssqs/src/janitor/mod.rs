//! Removes what dead instances left behind, and never what a live or foreign one has.
//!
//! | what | removed when |
//! |---|---|
//! | queue and subscriptions of an evicted member | it carries this deployment's tag |
//! | queue that no membership record knows | also: SQS itself says that it is old, and somebody is alive |
//! | subscription on the topic whose queue is gone | no membership record knows its instance |
//!
//! Queues are listed before the members are read, and members are read once more right before a removal: an
//! instance that joins meanwhile is seen. Age is the time of the service's own answer less the time at which
//! the service made the queue: no clock of ours, right or wrong, has a say.

mod evidence;
mod inventory;
mod pass;
mod plan;
mod rules;
mod service_time;

pub use pass::{Janitor, Pass, Removal};
pub use plan::Cause;
pub use rules::Rules;
