//! From spans of this process to spans of OpenTelemetry, when they end.

use std::sync::Arc;

use a2a_core::{Env, SystemEnv};
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanProcessor};
use tracing::Subscriber;
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::span::Open;

/// Hands spans that end to a processor.
#[derive(Debug)]
pub(super) struct Spans(Arc<BatchSpanProcessor>);

impl Spans {
    pub(super) fn to(processor: Arc<BatchSpanProcessor>) -> Self {
        Spans(processor)
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut open = Open::new(span.name(), SystemEnv.now());
        attributes.record(&mut open);
        span.extensions_mut().insert(open);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(open) = span.extensions_mut().get_mut::<Open>() {
            values.record(open);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let open = span.extensions_mut().remove::<Open>();
        // The lower half of an id is its random half.
        let own = || SystemEnv.uuid().as_u64_pair().1;
        if let Some(ended) = open.and_then(|open| open.end(SystemEnv.now(), own)) {
            self.0.on_end(ended);
        }
    }
}
