//! How large and how deep a request may be, on every binding alike.

use a2a_server::jsonrpc::MAX_REQUEST_BODY_BYTES;

/// The deepest `data` or `metadata` that can be read back on every binding.
///
/// JSON becomes protobuf on the way in and on the way out, one object costs three of protobuf's 100 levels of
/// nesting, and a page of tasks wraps what a message brought in five levels more. What is deeper than this could be
/// stored and never be shown again.
const DEEPEST_THAT_CAN_BE_READ_BACK: usize = 30;

/// Bounds of one request.
///
/// ```
/// use a2a_serve::bindings::RequestLimits;
///
/// let limits = RequestLimits::default().max_body_bytes(1024 * 1024);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimits {
    pub(super) max_body_bytes: usize,
    pub(super) max_nesting: usize,
    pub(super) max_bytes_in_flight: usize,
}

impl Default for RequestLimits {
    fn default() -> Self {
        RequestLimits {
            max_body_bytes: MAX_REQUEST_BODY_BYTES,
            max_nesting: DEEPEST_THAT_CAN_BE_READ_BACK,
            max_bytes_in_flight: 256 * 1024 * 1024,
        }
    }
}

impl RequestLimits {
    /// Sets the largest HTTP body and gRPC message, in bytes; by default 10 MiB, which is also the most that the SDK's HTTP
    /// transports take: a larger value counts as that.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes.min(MAX_REQUEST_BODY_BYTES);
        self
    }

    /// Sets how many arrays and objects may be inside each other in a part's `data` or in `metadata`; by default 30,
    /// which is also the most: a larger value counts as that.
    #[must_use]
    pub fn max_nesting(mut self, levels: usize) -> Self {
        self.max_nesting = levels.min(DEEPEST_THAT_CAN_BE_READ_BACK);
        self
    }

    /// Sets the bytes of all requests that are read or worked on at the same time, of a message to an agent until the agent of a
    /// [`Server`](crate::Server) begins; as many of answers in one piece that wait to be
    /// sent, over HTTP/1 from 64 KiB on; and as many of streams' events that wait, from 4 KiB on. By default 256 MiB. Beyond that a
    /// request is told to come again, and a stream ends with an error that may be retried. Requests of more than 64 KiB leave a
    /// quarter to smaller ones.
    ///
    /// What is not counted is bounded by connections and streams. Over HTTP/1 a connection has one answer at a time: up to 64 KiB, or
    /// of small events what its buffer takes, which is 64 KiB and an event more. With 10,000 connections
    /// ([`Server::connections`](crate::Server::connections)) that is at most 665 MiB. Over HTTP/2 all answers are counted;
    /// small events wait for each stream up to 64 KiB and an event more, so for the 10,000 streams that each connection may have
    /// ([`Server::streams_per_connection`](crate::Server::streams_per_connection)) up to 665 MiB, where a peer allows as much, its
    /// agents say as much, and it takes none of it for the 25 s after which it is let go. Where strangers may open streams, allow
    /// them fewer.
    #[must_use]
    pub fn max_bytes_in_flight(mut self, bytes: usize) -> Self {
        self.max_bytes_in_flight = bytes;
        self
    }
}
