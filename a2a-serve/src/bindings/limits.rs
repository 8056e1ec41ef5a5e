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
/// use a2a_serve::bindings::Limits;
/// let mut limits = Limits::default();
/// limits.max_body_bytes = 1024 * 1024;
/// assert_eq!(limits.max_nesting, 30);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest HTTP body and gRPC message, in bytes. Default: 10 MiB, which is also the most that the SDK's HTTP
    /// transports take: a larger value counts as that.
    pub max_body_bytes: usize,
    /// How many arrays and objects may be inside each other in a part's `data` or in `metadata`. Default: 30,
    /// which is also the most: a larger value counts as that.
    pub max_nesting: usize,
    /// The bytes of all requests that are read or worked on at the same time, and as many of answers in one piece that wait to be
    /// sent, over HTTP/1 from 64 KiB on; beyond that a request is told to come again. Requests of more than 64 KiB leave a
    /// quarter to smaller ones. Default: 256 MiB.
    pub max_bytes_in_flight: usize,
}

impl Limits {
    pub(super) fn body_bytes(&self) -> usize {
        self.max_body_bytes.min(MAX_REQUEST_BODY_BYTES)
    }

    pub(super) fn nesting(&self) -> usize {
        self.max_nesting.min(DEEPEST_THAT_CAN_BE_READ_BACK)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: MAX_REQUEST_BODY_BYTES,
            max_nesting: DEEPEST_THAT_CAN_BE_READ_BACK,
            max_bytes_in_flight: 256 * 1024 * 1024,
        }
    }
}
