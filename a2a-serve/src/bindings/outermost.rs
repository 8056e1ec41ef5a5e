//! What every answer of every binding gets on its way out.

use std::convert::Infallible;
use std::sync::Arc;

use a2a_server::AgentCardProducer;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::Response;

use super::answer_body::Outgoing;
use super::extensions::{EXTENSIONS, in_use};
use super::in_flight::InFlight;
use super::report::Report;
use super::told::Told;

/// Looks at each request before its binding does, and at the answer after.
pub(super) struct Outermost<P> {
    card: Arc<P>,
    going_out: InFlight,
    report: Arc<Report>,
}

/// What remains to be done for one request.
pub(super) struct Finish {
    report: Arc<Report>,
    outgoing: Outgoing,
    extensions: Option<HeaderValue>,
}

impl<P> Clone for Outermost<P> {
    fn clone(&self) -> Self {
        Outermost {
            card: Arc::clone(&self.card),
            going_out: self.going_out.clone(),
            report: Arc::clone(&self.report),
        }
    }
}

impl<P: AgentCardProducer> Outermost<P> {
    pub(super) fn new(card: Arc<P>, going_out: InFlight) -> Self {
        Outermost { card, going_out, report: Arc::new(Report::new()) }
    }

    pub(super) fn of(&self, request: &Request) -> Finish {
        let extensions = in_use(request.headers(), || self.card.card());
        let outgoing = Outgoing::of(&self.going_out, request);
        Finish { report: Arc::clone(&self.report), outgoing, extensions }
    }
}

impl Finish {
    /// Holds room for it, where its binding does not, says which extensions are in use, that no cache between here and the caller may keep the answer unless it says
    /// itself who may, and reports it where it is an error.
    pub(super) fn end(self, binding: &'static str, mut response: Response) -> Result<Response, Infallible> {
        self.report.see(binding, &response);
        response = self.outgoing.counted(response);
        if let Some(extensions) = self.extensions.filter(|_| Told::by(&response).is_none()) {
            response.headers_mut().insert(EXTENSIONS, extensions);
        }
        response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        Ok(response)
    }
}
