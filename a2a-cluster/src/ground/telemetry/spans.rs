//! The spans of an instance, all at debug level: disabled ones cost a look at a flag.

use a2a_core::{BusMessage, CommitRecord, TaskKey, Version};
use a2a_server::ServiceParams;
use tracing::field::{Empty, display};
use tracing::{Instrument, Span, debug_span};

use super::trace::{self, Trace};
use crate::ground::Ground;

/// Does what a caller asked for within a span, and as a part of the trace that the caller names.
pub(crate) fn operation<F: Future>(
    ground: &Ground,
    method: &'static str,
    params: &ServiceParams,
    work: F,
) -> impl Future<Output = F::Output> + use<F> {
    let trace = Trace::of_request(params).map(|caller| caller.child(&*ground.env));
    let span = debug_span!(
        "request",
        rpc.system = "a2a",
        rpc.service = "lf.a2a.v1.A2AService",
        rpc.method = method,
        instance = %ground.id,
        task = Empty,
        trace_id = Empty,
        span_id = Empty,
        parent_span_id = Empty,
        trace_flags = Empty,
    );
    place(&span, trace);
    trace::within(trace, work).instrument(span)
}

/// The span of an agent at work. It outlives the request that started it, so it is no part of its span.
pub(crate) fn run(ground: &Ground, key: &TaskKey, version: Version, trace: Option<Trace>) -> Span {
    let span = debug_span!(
        parent: None,
        "run",
        instance = %ground.id,
        task = %key,
        version = version.get(),
        trace_id = Empty,
        span_id = Empty,
        parent_span_id = Empty,
        trace_flags = Empty,
    );
    Span::current().record("task", display(key));
    span.follows_from(Span::current());
    place(&span, trace);
    span
}

/// The span of a commit by whoever runs now.
pub(crate) fn commit(ground: &Ground, key: &TaskKey, record: &CommitRecord) -> Span {
    let span = debug_span!(
        "commit",
        db.operation.name = "commit",
        db.operation.batch.size = record.events.len(),
        instance = %ground.id,
        task = %key,
        version = record.version.get(),
        trace_id = Empty,
        parent_span_id = Empty,
        trace_flags = Empty,
    );
    belong(&span, trace::current());
    span
}

/// The span of sending a message to watchers.
pub(crate) fn sending(ground: &Ground, message: &BusMessage) -> Span {
    let span = debug_span!(
        "send",
        messaging.system = "a2a",
        messaging.operation.name = message.news.kind(),
        messaging.operation.type = "send",
        instance = %ground.id,
        task = %message.task,
        version = message.news.version().map(Version::get),
        trace_id = Empty,
        span_id = Empty,
        parent_span_id = Empty,
        trace_flags = Empty,
    );
    belong(&span, trace::current());
    if !span.is_disabled()
        && let Some(sent) = message.trace.as_deref().and_then(Trace::parse)
    {
        span.record("span_id", display(sent.span_id()));
    }
    span
}

/// The span of handing over a message that the bus brought; `trace` is what its sender was doing.
pub(crate) fn delivery(ground: &Ground, message: &BusMessage, trace: Option<Trace>) -> Span {
    let span = debug_span!(
        "deliver",
        messaging.system = "a2a",
        messaging.operation.name = message.news.kind(),
        messaging.operation.type = "process",
        instance = %ground.id,
        from = %message.from,
        task = %message.task,
        version = message.news.version().map(Version::get),
        trace_id = Empty,
        parent_span_id = Empty,
        trace_flags = Empty,
    );
    belong(&span, trace);
    span
}

/// Says where in a trace a span stands that has an id in it.
fn place(span: &Span, trace: Option<Trace>) {
    if let Some(trace) = trace {
        span.record("trace_id", display(trace.trace_id()));
        span.record("span_id", display(trace.span_id()));
        span.record("parent_span_id", display(trace.parent_span_id()));
        span.record("trace_flags", display(trace.flags()));
    }
}

/// Says what a span belongs to that has no id of its own.
fn belong(span: &Span, parent: Option<Trace>) {
    if let Some(parent) = parent {
        span.record("trace_id", display(parent.trace_id()));
        span.record("parent_span_id", display(parent.span_id()));
        span.record("trace_flags", display(parent.flags()));
    }
}
