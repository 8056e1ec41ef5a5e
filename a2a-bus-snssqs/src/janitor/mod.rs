//! Removes what dead instances left behind, and never what a live or foreign one has.
//!
//! | what | removed when |
//! |---|---|
//! | queue and subscriptions of an evicted member | it carries this deployment's tag |
//! | queue that no membership record knows | also: SQS itself says that it is old, and somebody is alive |
//! | subscription on the topic whose queue is gone | no membership record knows its instance, whose id is older than a minute |
//!
//! Queues are listed before the members are read, and members are read once more right before a removal: an
//! instance that joins meanwhile is seen. Age is the time of the service's own answer less the time at which
//! the service made the queue: no clock of ours, right or wrong, has a say. The time in an instance's id, which is of
//! its own clock, is asked once: it can only speak for leaving the subscription of an instance that just began.

mod evidence;
mod inventory;
mod pass;
mod plan;
mod rules;
mod service_time;

pub use pass::{Janitor, Pass, Removal};
pub use plan::Cause;
pub use rules::Rules;
