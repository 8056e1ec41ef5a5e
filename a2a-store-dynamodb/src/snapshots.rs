//! Snapshots: a task written whole, so that a reader needs not all of its log.

pub(crate) mod stored;
pub(crate) mod take;
