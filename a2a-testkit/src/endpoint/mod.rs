//! The contract of an endpoint of an event bus, sentence by sentence.
//!
//! Each function is one sentence of [`Endpoint`](a2a_core::Endpoint)'s contract and panics where the bus
//! breaks it. [`event_bus_suite!`](crate::event_bus_suite) makes tests of them. A bus may repeat and reorder
//! messages even when nothing is wrong, and the suite lets it.

mod closing;
mod delivery;
pub(crate) mod inbox;
mod pressure;
mod receiving;

pub use closing::{
    a_closed_recipient_is_reported_gone_or_ignored, close_is_idempotent,
    receive_on_a_closed_endpoint_is_closed,
};
pub use delivery::{
    a_connected_endpoint_is_reached, a_message_reaches_each_recipient_and_nobody_else,
    instances_may_send_to_themselves, messages_to_a_live_endpoint_arrive_whole,
    sending_to_nobody_does_nothing,
};
pub use pressure::a_slow_reader_blocks_no_sender;
pub use receiving::{receive_is_cancel_safe, receive_waits_for_a_message};
