//! The way to the collector: by the HTTP and TLS that webhooks leave by, on the runtime of this program.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use rustls::crypto::ring;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::report::with_causes;

/// The most that is read of an answer.
const LARGEST: usize = 64 * 1024;
/// How long a collector may take where the environment does not say, as the specification has it.
const PATIENCE: Duration = Duration::from_secs(10);

type Http = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Sends on the runtime in which it was made: the exporter's own thread has none. Redirects are not followed, for headers hold
/// what lets this process in.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: Http,
    patience: Duration,
    runtime: Handle,
    sending: TaskTracker,
    /// The last spans were not taken, and that was told.
    is_told: Arc<AtomicBool>,
}

impl Client {
    pub(super) fn new() -> io::Result<Self> {
        let tls =
            HttpsConnectorBuilder::new().with_provider_and_platform_verifier(ring::default_provider())?;
        let http =
            legacy::Client::builder(TokioExecutor::new()).build(tls.https_or_http().enable_http1().build());
        Ok(Client {
            http,
            patience: patience(),
            runtime: Handle::current(),
            sending: TaskTracker::new(),
            is_told: Arc::default(),
        })
    }

    /// Nothing more is sent.
    pub(super) fn close(&self) {
        self.sending.close();
    }

    /// Logs that spans are not taken, and why: once, until some are taken again.
    fn tell(&self, answer: &Result<Response<Bytes>, HttpError>) {
        let why = match answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answered {}", answer.status().as_u16())),
            Err(error) => Some(with_causes(error.as_ref())),
        };
        let was_told = self.is_told.swap(why.is_some(), Ordering::Relaxed);
        if let Some(why) = why.filter(|_| !was_told) {
            tracing::warn!(why, "the collector takes no traces; they are dropped until it does");
        }
    }
}

/// By `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT` or `OTEL_EXPORTER_OTLP_TIMEOUT`, in milliseconds.
fn patience() -> Duration {
    let variables = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
    let mut set = variables.into_iter().filter_map(|name| std::env::var(name).ok()?.parse().ok());
    set.next().map_or(PATIENCE, Duration::from_millis)
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = timeout_of(self.patience, send(self.http.clone(), request));
        let answer = self.sending.spawn_on(sent, &self.runtime).await?;
        self.tell(&answer);
        answer
    }
}

async fn timeout_of<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, HttpError>>,
) -> Result<T, HttpError> {
    timeout(patience, work).await?
}

async fn send(http: Http, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (head, body) = http.request(request.map(Full::new)).await?.into_parts();
    let body = Limited::new(body, LARGEST).collect().await?.to_bytes();
    Ok(Response::from_parts(head, body))
}
