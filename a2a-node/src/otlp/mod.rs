//! Traces for a collector of OpenTelemetry, over OTLP: off until `serve --otlp`.
//!
//! What is exported are the spans of `a2a_cluster` that belong to a sampled trace, under the ids that travel with requests and
//! messages between instances: so one request makes one trace, whichever instances take part. Their fields hold ids of
//! tasks, with their tenants, and of instances; no content, no caller and no webhook. Where the collector is, and what it is sent beside, is read from the standard variables
//! (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_SERVICE_NAME` and so on) by the SDK of OpenTelemetry.

mod client;
mod layer;
mod span;

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanProcessor};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

use client::Client;
use layer::Spans;

/// What this program is called where `OTEL_SERVICE_NAME` does not say.
const NAME: &str = "a2a-node";
/// Whose spans are exported.
const TARGET: &str = "a2a_cluster";
/// How long a process that ends waits for the collector to take what is left.
const FLUSH: Duration = Duration::from_secs(3);

/// Why traces cannot be exported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OtlpError {
    /// The platform's certificates cannot be used.
    #[error("cannot prepare TLS for the collector of traces")]
    Tls(#[from] std::io::Error),
    /// What `OTEL_EXPORTER_OTLP_*` say makes no sense.
    #[error("cannot export traces as OTEL_EXPORTER_OTLP_* say")]
    Exporter(#[from] ExporterBuildError),
}

/// The exporter of this process.
#[derive(Debug)]
pub(crate) struct Otlp {
    processor: Arc<BatchSpanProcessor>,
    client: Client,
}

impl Otlp {
    /// Begins to export as the environment says. To be called in the runtime that sends.
    ///
    /// # Errors
    ///
    /// An [`OtlpError`] where the environment names an address that is none, or a protocol other than `http/protobuf`.
    pub(crate) fn from_environment() -> Result<Self, OtlpError> {
        let client = Client::new()?;
        let exporter = SpanExporter::builder().with_http().with_http_client(client.clone()).build()?;
        let mut processor = BatchSpanProcessor::builder(exporter).build();
        let named = std::env::var_os("OTEL_SERVICE_NAME").is_some();
        let resource = Resource::builder();
        let resource = if named { resource } else { resource.with_service_name(NAME) };
        processor.set_resource(&resource.build());
        Ok(Otlp { processor: Arc::new(processor), client })
    }

    /// The layer that takes the spans.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        Spans::to(Arc::clone(&self.processor))
            .with_filter(filter_fn(is_exported).with_max_level_hint(LevelFilter::DEBUG))
    }

    /// Exports what is left, for as long as [`FLUSH`].
    pub(crate) async fn flush(self) {
        let processor = self.processor;
        // It waits for its own thread, which waits for this runtime.
        let shut = tokio::task::spawn_blocking(move || processor.shutdown_with_timeout(FLUSH));
        match tokio::time::timeout(FLUSH, shut).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "not all traces were exported"),
            Ok(Err(_)) | Err(_) => tracing::warn!("not all traces were exported in time"),
        }
        self.client.close();
    }
}

fn is_exported(line: &Metadata<'_>) -> bool {
    line.is_span() && line.target().split("::").next() == Some(TARGET)
}
