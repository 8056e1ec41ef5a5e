//! What lies on the table: a file for each kind of item, and how keys and attributes are read and written. Nothing here
//! sends a request.

pub(crate) mod attributes;
pub(crate) mod claim;
pub(crate) mod entry;
pub(crate) mod head;
pub(crate) mod head_update;
pub(crate) mod keys;
pub(crate) mod order;
pub(crate) mod part;
pub(crate) mod payload;
pub(crate) mod shards;
pub(crate) mod snapshot;
pub(crate) mod unreadable;
pub(crate) mod update;
