//! The contract of an event bus: addressed datagrams between instances.
//!
//! A bus is a hint. It may lose, repeat, delay or reorder anything; whoever reads it does arithmetic with
//! versions and asks the store for what is missing. Hence almost any broker will do.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{CommitRecord, InstanceId, Result, TaskKey, Version};

/// A message from one instance to others about one task.
#[derive(Debug, Clone, PartialEq)]
pub struct BusMessage {
    /// The sender.
    pub from: InstanceId,
    /// The task that it is about.
    pub task: TaskKey,
    /// What it says.
    pub news: News,
    /// The W3C `traceparent` of what caused it, so that one trace spans instances.
    pub trace: Option<String>,
}

/// What a [`BusMessage`] says. It never causes a write of task content.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// To watchers: these commits were applied, consecutive and in order.
    Commits(Vec<Arc<CommitRecord>>),
    /// To watchers: the task has at least this version; read the store.
    Changed(Version),
    /// To the executor: a stream opened here that has everything up to this version; send the rest.
    Watch(Version),
    /// To the executor: no stream is open here any more.
    Unwatch,
    /// To the executor: a caller wants the task cancelled.
    Cancel,
    /// From the executor, to the sender of `Cancel`: heard, the agent winds down.
    Cancelling,
    /// From the executor, to the sender of `Cancel`: the agent does not cancel this task.
    CancelRefused,
    /// To the executor: the push notification configs of this task changed; read them again.
    Configs,
}

impl News {
    /// The version that this says the task has at least, if it says so.
    pub fn version(&self) -> Option<Version> {
        match self {
            News::Commits(commits) => commits.last().map(|commit| commit.version),
            News::Changed(version) => Some(*version),
            _ => None,
        }
    }

    /// The word for this kind, on the wire and in metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            News::Commits(_) => "commits",
            News::Changed(_) => "changed",
            News::Watch(_) => "watch",
            News::Unwatch => "unwatch",
            News::Cancel => "cancel",
            News::Cancelling => "cancelling",
            News::CancelRefused => "cancelRefused",
            News::Configs => "configs",
        }
    }
}

/// What became of a send.
#[must_use = "an instance that is gone watches nothing"]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    /// The recipients that are known to exist no more. Empty does not mean that all others got it.
    pub gone: Vec<InstanceId>,
}

/// Carries messages between instances, best effort.
///
/// One value is one instance's endpoint.
///
/// # Contract
///
/// 1. `a_message_reaches_each_recipient_and_nobody_else`, in the absence of faults.
/// 2. `messages_to_a_live_endpoint_arrive_whole`: sender, task, news and trace as they were sent. Commits too
///    large for the carrier arrive as `Changed` with their last version.
/// 3. `receive_waits_for_a_message`: it returns at least one; it does not spin.
/// 4. `receive_is_cancel_safe`: a message is lost only with the endpoint.
/// 5. `a_slow_reader_blocks_no_sender`: its messages may be dropped instead, and the bound is finite.
/// 6. `sending_to_nobody_does_nothing`.
/// 7. `a_closed_recipient_is_reported_gone_or_ignored`: sending to it is no error.
/// 8. `receive_on_a_closed_endpoint_is_closed`, also for a call that was waiting already.
/// 9. `close_is_idempotent`, and later sends are `Closed`.
/// 10. `instances_may_send_to_themselves`.
///
/// ```
/// # use a2a_core::{EventBus, BusMessage, Result};
/// async fn drain(bus: &dyn EventBus) -> Result<usize> {
///     Ok(bus.receive().await?.len())
/// }
/// ```
#[async_trait]
pub trait EventBus: fmt::Debug + Send + Sync + 'static {
    /// The instance whose endpoint this is.
    fn me(&self) -> InstanceId;

    /// Sends to each of `to`. When cancelled, some may have got it.
    async fn send(&self, to: &[InstanceId], message: &BusMessage) -> Result<Delivery>;

    /// Waits for messages. Cancel safe. One task at a time may call it.
    ///
    /// # Errors
    ///
    /// Those of the carrier, while nothing can be received: call again, after a pause of your own. An endpoint
    /// that reads its carrier in the background has a call fail every few seconds for as long as that lasts, so
    /// that its reader can tell whether it is well.
    async fn receive(&self) -> Result<Vec<BusMessage>>;

    /// Releases what opening created; wakes a waiting `receive`. Idempotent.
    async fn close(&self) -> Result<()>;
}
