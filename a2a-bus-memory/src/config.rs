//! How much the queues of a bus hold.

/// The bounds of a bus's queues.
///
/// ```
/// use a2a_bus_memory::{MemoryBus, MemoryBusConfig};
///
/// let bus = MemoryBus::with_config(MemoryBusConfig::default().queue_messages(64));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryBusConfig {
    pub(crate) queue_messages: usize,
    pub(crate) batch_messages: usize,
}

impl Default for MemoryBusConfig {
    fn default() -> Self {
        MemoryBusConfig { queue_messages: 1024, batch_messages: 128 }
    }
}

impl MemoryBusConfig {
    /// Sets how many messages wait for one endpoint before its oldest are dropped; at least 1, by default
    /// 1024.
    #[must_use]
    pub fn queue_messages(mut self, messages: usize) -> Self {
        self.queue_messages = messages.max(1);
        self
    }

    /// Sets how many messages one `receive` returns at most; at least 1, by default 128.
    #[must_use]
    pub fn batch_messages(mut self, messages: usize) -> Self {
        self.batch_messages = messages.max(1);
        self
    }
}
