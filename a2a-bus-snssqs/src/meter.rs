//! The metrics of an endpoint, through the `metrics` facade, and the labels that they carry.

use std::time::Duration;

use metrics::{Counter, counter, gauge, histogram};

/// Why a delivery is not handed to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It is for others.
    Misaddressed,
    /// It is longer than a message may be.
    TooLarge,
    /// It has a format of the future, or none.
    UnknownFormat,
    /// It has a kind of the future.
    UnknownKind,
    /// Its sender knows no key of the deployment.
    Unproven,
    /// It cannot be read.
    Malformed,
}

impl Reason {
    const ALL: [Self; 6] = [
        Reason::Misaddressed,
        Reason::TooLarge,
        Reason::UnknownFormat,
        Reason::UnknownKind,
        Reason::Unproven,
        Reason::Malformed,
    ];

    /// The word for it in metrics and in the log.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Reason::Misaddressed => "misaddressed",
            Reason::TooLarge => "too_large",
            Reason::UnknownFormat => "unknown_format",
            Reason::UnknownKind => "unknown_kind",
            Reason::Unproven => "unproven",
            Reason::Malformed => "malformed",
        }
    }
}

/// A call of whose failure no caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// Polls the queue.
    ReceiveMessage,
    /// Deletes what was received.
    DeleteMessageBatch,
    /// Subscribes the queue to the topic.
    Subscribe,
    /// Publishes a probe.
    Publish,
    /// Not a call of its own: a published probe arrives.
    Probe,
}

impl Call {
    const ALL: [Self; 5] =
        [Call::ReceiveMessage, Call::DeleteMessageBatch, Call::Subscribe, Call::Publish, Call::Probe];

    /// The name that AWS gives it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Call::ReceiveMessage => "ReceiveMessage",
            Call::DeleteMessageBatch => "DeleteMessageBatch",
            Call::Subscribe => "Subscribe",
            Call::Publish => "Publish",
            Call::Probe => "probe",
        }
    }
}

/// Shows the counters of what goes wrong before anything has: an alarm sees no rise from nothing to one.
pub(crate) fn begin() {
    for counter in Reason::ALL.map(drops).into_iter().chain(Call::ALL.map(failures)) {
        counter.increment(0);
    }
}

/// Counts a message that a service took.
pub(crate) fn sent(kind: &'static str) {
    counter!("a2a_bus_messages_sent_total", "kind" => kind).increment(1);
}

/// Counts a message that was handed to the reader.
pub(crate) fn received(kind: &'static str) {
    counter!("a2a_bus_messages_received_total", "kind" => kind).increment(1);
}

/// Records how long a message was in the queue before its first delivery.
pub(crate) fn waited(time: Duration) {
    histogram!("a2a_bus_message_age_seconds").record(time);
}

/// Counts a delivery that was not handed to the reader.
pub(crate) fn dropped(reason: Reason) {
    drops(reason).increment(1);
}

/// Shows whether the topic reaches the endpoint.
pub(crate) fn reached_by_topic(is_reached: bool) {
    gauge!("a2a_bus_reached_by_topic").set(if is_reached { 1.0 } else { 0.0 });
}

/// Counts a call that failed and of which no caller is told.
pub(crate) fn failed(call: Call) {
    failures(call).increment(1);
}

fn drops(reason: Reason) -> Counter {
    counter!("a2a_bus_messages_dropped_total", "reason" => reason.word())
}

fn failures(call: Call) -> Counter {
    counter!("a2a_bus_calls_failed_total", "call" => call.name())
}
