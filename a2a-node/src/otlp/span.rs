//! A span on its way: what is known of it until it ends, and what is exported then.

use std::fmt;

use chrono::{DateTime, Utc};
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use tracing::field::{Field, Visit};

/// The instrumentation's name.
const SCOPE: &str = "a2a-cluster";

/// A span that has not ended.
#[derive(Debug)]
pub(super) struct Open {
    name: &'static str,
    started: DateTime<Utc>,
    trace_id: Option<TraceId>,
    span_id: Option<SpanId>,
    parent: Option<SpanId>,
    flags: TraceFlags,
    kind: SpanKind,
    attributes: Vec<KeyValue>,
}

impl Open {
    pub(super) fn new(name: &'static str, started: DateTime<Utc>) -> Self {
        let kind = match name {
            "request" => SpanKind::Server,
            "commit" => SpanKind::Client,
            "send" => SpanKind::Producer,
            "deliver" => SpanKind::Consumer,
            _ => SpanKind::Internal,
        };
        Open {
            name,
            started,
            trace_id: None,
            span_id: None,
            parent: None,
            flags: TraceFlags::default(),
            kind,
            attributes: Vec::new(),
        }
    }

    /// What is exported; `None` where it belongs to no trace, or to one that is not sampled. `own` draws its id where it has none.
    pub(super) fn end(self, ended: DateTime<Utc>, own: impl FnOnce() -> u64) -> Option<SpanData> {
        let trace_id = self.trace_id.filter(|_| self.flags.is_sampled())?;
        let span_id = self.span_id.unwrap_or_else(|| SpanId::from(own()));
        let parent_is_remote = matches!(self.kind, SpanKind::Server | SpanKind::Consumer);
        Some(SpanData {
            span_context: SpanContext::new(trace_id, span_id, self.flags, false, TraceState::default()),
            parent_span_id: self.parent.unwrap_or(SpanId::INVALID),
            parent_span_is_remote: parent_is_remote,
            span_kind: self.kind,
            name: self.name.into(),
            start_time: self.started.into(),
            // A clock that was set back makes no span that ends before it begins.
            end_time: ended.max(self.started).into(),
            attributes: self.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::builder(SCOPE).build(),
        })
    }

    fn value(&mut self, field: &Field, value: Value) {
        self.attributes.push(KeyValue::new(field.name(), value));
    }
}

impl Visit for Open {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "trace_id" => self.trace_id = TraceId::from_hex(&text).ok(),
            "span_id" => self.span_id = SpanId::from_hex(&text).ok(),
            "parent_span_id" => self.parent = SpanId::from_hex(&text).ok(),
            "trace_flags" => {
                self.flags = u8::from_str_radix(&text, 16).map(TraceFlags::new).unwrap_or_default();
            }
            _ => self.value(field, text.into()),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.value(field, value.to_owned().into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.value(field, i64::try_from(value).unwrap_or(i64::MAX).into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use a2a_core::{Env, SystemEnv};

    use super::*;

    fn open(sampled: bool) -> Open {
        let mut open = Open::new("commit", SystemEnv.now());
        open.trace_id = TraceId::from_hex("4bf92f3577b34da6a3ce929d0e0e4736").ok();
        open.flags = if sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
        open
    }

    #[test]
    fn a_span_of_no_trace_or_of_one_that_is_not_sampled_is_not_exported() {
        let now = SystemEnv.now();
        assert!(open(true).end(now, || 7).is_some());
        assert_eq!(open(false).end(now, || 7), None);
        assert_eq!(Open { trace_id: None, ..open(true) }.end(now, || 7), None);
    }

    #[test]
    fn a_span_has_the_id_that_it_told_others_and_else_one_of_its_own() {
        let told = Open { span_id: Some(SpanId::from(5)), ..open(true) };
        let exported = [told, open(true)].map(|open| open.end(SystemEnv.now(), || 7).unwrap());
        assert_eq!(exported.map(|span| span.span_context.span_id()), [5, 7].map(SpanId::from));
    }

    #[test]
    fn a_span_never_ends_before_it_begins() {
        let exported = open(true).end(DateTime::UNIX_EPOCH, || 7).unwrap();
        assert_eq!(exported.start_time, exported.end_time);
    }
}
