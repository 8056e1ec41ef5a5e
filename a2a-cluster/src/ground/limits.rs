//! What an operator may tune about how much callers send.

use super::settings::settings;

settings! {
    /// Limits on what callers send. What exceeds one is `InvalidParams`, with the limit's name and value.
    ///
    /// ```
    /// use a2a_cluster::{Config, Limits};
    ///
    /// let config = Config::default().limits(Limits::default().parts(10));
    /// ```
    pub struct Limits {
        /// Sets the bytes of one message, its parts and metadata together; at least 1, by default 8 MiB.
        message_bytes: usize = 8 * 1024 * 1024,
        /// Sets how many parts one message has; at least 1, by default 1,000.
        parts: usize = 1_000,
        /// Sets the levels of nesting in a data part or in metadata; at most 100, by default 24. The protobuf form,
        /// which all bindings pass through, takes about thirty.
        depth: usize = 24,
        /// Sets the bytes of an id: of a task, context, message, config or tenant; at least 1, by default 256.
        id_bytes: usize = 256,
        /// Sets how many push notification configs one task has, by default 50.
        push_configs: usize = 50,
    }
}
