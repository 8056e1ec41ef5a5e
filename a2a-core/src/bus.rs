//! The contract of an event bus: addressed datagrams between instances.
//!
//! A bus is a hint. It may lose, repeat, delay or reorder anything; whoever reads it does arithmetic with
//! versions and asks the store for what is missing. Hence almost any broker will do.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::wire::Seal;
use crate::{BusMessage, InstanceId, Reach, Recipient, Result};

/// What became of a send.
#[must_use = "an instance that is gone watches nothing"]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    /// The recipients that are known to exist no more. Empty does not mean that all others got it.
    pub gone: Vec<InstanceId>,
}

/// Makes the endpoints of instances, and removes what those leave behind that are gone.
///
/// # Contract
///
/// 1. `connecting_again_gives_an_endpoint`: idempotent by instance. An earlier endpoint of the same instance may be
///    closed by it.
/// 2. `release_removes_what_an_instance_left`: its endpoint, if one is still open, receives nothing any more, and
///    sending to it is as to one that closed.
/// 3. `release_is_idempotent`: also of an instance that never connected; it harms no other.
///
/// ```
/// # use a2a_core::{EventBus, InstanceId, Result, wire::Seal};
/// # use std::sync::Arc;
/// async fn reconnect(bus: &dyn EventBus, before: &InstanceId, me: &InstanceId) -> Result<()> {
///     bus.release(before).await?;
///     bus.connect(me, &Arc::new(Seal::open())).await?;
///     Ok(())
/// }
/// ```
#[async_trait]
pub trait EventBus: fmt::Debug + Send + Sync + 'static {
    /// Makes what an instance needs to send and to receive. May take long, and may be called again while that
    /// lasts or after it failed. When cancelled, [`release`](EventBus::release) removes what was made.
    ///
    /// A bus whose messages leave the process writes and reads them with `seal`.
    async fn connect(&self, me: &InstanceId, seal: &Arc<Seal>) -> Result<Arc<dyn Endpoint>>;

    /// Removes what an instance left on the bus that is gone for good. Idempotent.
    async fn release(&self, gone: &InstanceId) -> Result<()>;
}

/// One instance's end of the bus: sends and receives, best effort.
///
/// # Contract
///
/// 1. `a_message_reaches_each_recipient_and_nobody_else`, in the absence of faults, for each way in which they may be
///    reached. One that is reached nowhere is left out.
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
/// 11. `a_connected_endpoint_is_reached`: directly at least.
///
/// ```
/// # use a2a_core::{Endpoint, BusMessage, Result};
/// async fn drain(endpoint: &dyn Endpoint) -> Result<usize> {
///     Ok(endpoint.receive().await?.len())
/// }
/// ```
#[async_trait]
pub trait Endpoint: fmt::Debug + Send + Sync + 'static {
    /// The instance whose endpoint this is.
    fn me(&self) -> InstanceId;

    /// How others reach it now; may change while it is open.
    fn reach(&self) -> Reach;

    /// Sends to each of `to`. When cancelled, some may have got it.
    async fn send(&self, to: &[Recipient], message: &BusMessage) -> Result<Delivery>;

    /// Waits for messages. Cancel safe. One task at a time may call it.
    ///
    /// # Errors
    ///
    /// Those of the carrier, while nothing can be received: call again, after a pause of your own. An endpoint
    /// that reads its carrier in the background has a call fail every few seconds for as long as that lasts, so
    /// that its reader can tell whether it is well.
    async fn receive(&self) -> Result<Vec<BusMessage>>;

    /// Removes what connecting made; wakes a waiting `receive`. Idempotent.
    async fn close(&self) -> Result<()>;
}
