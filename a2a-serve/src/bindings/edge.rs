//! What all bindings stand on: a handler, who may ask it, and how much at once.

use std::fmt;
use std::sync::Arc;

use a2a::A2AError;
use a2a_cluster::CallerResolver;
use a2a_server::ServiceParams;

use super::in_flight::InFlight;
use super::limits::Limits;

/// A handler behind bindings.
pub(crate) struct Edge<H> {
    pub(crate) handler: Arc<H>,
    pub(crate) limits: Limits,
    /// Who is asked whether a caller may ask at all, before a body is read.
    pub(crate) callers: Option<Arc<dyn CallerResolver>>,
    /// What all requests hold together.
    pub(super) in_flight: InFlight,
}

impl<H> Edge<H> {
    pub(crate) fn new(handler: Arc<H>, limits: Limits, callers: Option<Arc<dyn CallerResolver>>) -> Self {
        Edge { handler, limits, callers, in_flight: InFlight::new(limits.max_bytes_in_flight) }
    }

    /// Tells whether the caller may ask.
    ///
    /// # Errors
    /// What the resolver says.
    pub(super) fn authenticate(&self, params: &ServiceParams) -> Result<(), A2AError> {
        self.callers.as_ref().map_or(Ok(()), |callers| callers.authenticate(params))
    }
}

impl<H> Clone for Edge<H> {
    fn clone(&self) -> Self {
        Edge {
            handler: Arc::clone(&self.handler),
            limits: self.limits,
            callers: self.callers.clone(),
            in_flight: self.in_flight.clone(),
        }
    }
}

impl<H> fmt::Debug for Edge<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge").field("limits", &self.limits).finish_non_exhaustive()
    }
}
