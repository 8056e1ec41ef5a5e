//! The metrics of an endpoint, through the `metrics` facade, and the labels that they carry.

use metrics::counter;

/// Counts a message that a service took.
pub(crate) fn sent(kind: &'static str) {
    counter!("a2a_bus_messages_sent_total", "kind" => kind).increment(1);
}

/// Counts a message that was handed to the reader.
pub(crate) fn received(kind: &'static str) {
    counter!("a2a_bus_messages_received_total", "kind" => kind).increment(1);
}

/// Counts a delivery that was not handed to the reader.
pub(crate) fn dropped(reason: &'static str) {
    counter!("a2a_bus_messages_dropped_total", "reason" => reason).increment(1);
}

/// Counts a call that failed and of which no caller is told.
pub(crate) fn failed(call: &'static str) {
    counter!("a2a_bus_calls_failed_total", "call" => call).increment(1);
}
