//! In-memory task store, membership and push configs for one process
