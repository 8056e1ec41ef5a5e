//! `/metrics` for Prometheus, on every instance's own socket.
//!
//! All instances of a process share one registry, so one scrape of any of them shows them all; the label `member`
//! tells them apart. Scrape one socket of a process, or the sums count its instances as often as you scrape.
//!
//! Beside those of `a2a-cluster`, of the store and of the bus, there are, of the whole process:
//!
//! | name | kind | labels | what it tells |
//! |---|---|---|---|
//! | `a2a_requests_total` | counter | `binding` | requests that were answered, or whose stream was opened, over `jsonrpc`, `rest` or `grpc`; those for the card count as `rest` |
//! | `a2a_request_errors_total` | counter | `binding`, `code` | requests answered with an error, by its gRPC code; streams that end with one are not among them. Codes that count against availability are there from the start |

use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::bindings::{InFlight, Outgoing};

/// The version of the text format, as scrapers want it announced.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How often samples that nobody has scraped are folded into their histograms, which bounds the memory they take.
const FOLD_EVERY: Duration = Duration::from_secs(5);
/// From a store in this process to one that is about to time out.
const SECONDS: [f64; 15] =
    [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// A commit holds at most a hundred events, give or take the last one.
const EVENTS: [f64; 7] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0];

/// Something else records metrics in this process.
#[derive(Debug, thiserror::Error)]
#[error("cannot record metrics")]
pub struct MetricsError(#[source] BuildError);

/// The metrics of this process.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Begins to record whatever is measured in this process from now on.
    ///
    /// # Errors
    ///
    /// [`MetricsError`] where something else records already.
    pub fn record() -> Result<Self, MetricsError> {
        let recorder = builder().and_then(PrometheusBuilder::install_recorder);
        recorder.map(Metrics).map_err(MetricsError)
    }

    /// The route to `/metrics`. What is on its way out takes room like every answer.
    pub(crate) fn routes(&self, going_out: &InFlight) -> Router {
        let (Metrics(handle), going_out) = (self.clone(), going_out.clone());
        let answer = move |request: Request| async move {
            let shown = ([(CONTENT_TYPE, TEXT_FORMAT)], handle.render()).into_response();
            Outgoing::of(&going_out, &request).counted(shown)
        };
        Router::new().route("/metrics", get(answer))
    }

    /// Keeps the memory bounded where nobody scrapes. Never ends; cancel safe.
    pub(crate) fn upkeep(&self) -> impl Future<Output = ()> + Send + use<> {
        let Metrics(handle) = self.clone();
        async move {
            let mut turns = tokio::time::interval(FOLD_EVERY);
            loop {
                turns.tick().await;
                handle.run_upkeep();
            }
        }
    }
}

/// Histograms in fixed buckets: other than quantiles they add up over instances.
fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Full("a2a_commit_events".to_owned()), &EVENTS)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode, Version};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_scrape_shows_counters_and_histograms_in_buckets() {
        let recorder = builder().unwrap().build_recorder();
        let route = Metrics(recorder.handle()).routes(&InFlight::new(1_000_000));
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("a2a_commits_total", "member" => "n1").increment(3);
            metrics::histogram!("a2a_commit_seconds").record(0.002);
        });
        let answer = route.oneshot(Request::get("/metrics").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.headers()[CONTENT_TYPE], TEXT_FORMAT);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&body);
        assert!(text.contains("a2a_commits_total{member=\"n1\"} 3"), "{text}");
        assert!(text.contains("a2a_commit_seconds_bucket{le=\"0.0025\"} 1"), "{text}");
    }

    #[tokio::test]
    async fn scrapes_that_are_not_taken_take_room() {
        let recorder = builder().unwrap().build_recorder();
        metrics::with_local_recorder(&recorder, || metrics::counter!("a2a_commits_total").increment(1));
        let metrics = Metrics(recorder.handle());
        let room = InFlight::new(metrics.0.render().len() * 3 / 2);
        let scrape = || {
            let request = Request::get("/metrics").version(Version::HTTP_2).body(Body::empty()).unwrap();
            metrics.routes(&room).oneshot(request)
        };
        let first = scrape().await.unwrap();
        assert_eq!((first.status(), scrape().await.unwrap().status().as_u16()), (StatusCode::OK, 503));
        drop(first);
        assert_eq!(scrape().await.unwrap().status(), 200);
    }
}
