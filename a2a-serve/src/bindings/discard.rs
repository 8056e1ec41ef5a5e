//! Reads what a refused client still sends, so that it lives to see the answer.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::{CONNECTION, EXPECT};
use axum::http::{HeaderValue, Version};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;

/// The most that is read of a body that nobody wants, in bytes.
const MOST: usize = 64 * 1024 * 1024;
/// For how long it is read.
const LONGEST: Duration = Duration::from_secs(10);

/// Answers a request whose body, or what is left of it, nobody wants. Where it is not read to its end, the connection closes, and
/// the answer says so: whoever uses it again would lose the next request.
pub(super) async fn refuse(mut request: Request, mut refusal: Response) -> Response {
    if !discard(&mut request).await {
        refusal.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    refusal
}

/// Reads what is left of a body, and forgets it. Tells whether nothing stands in the way of the next request.
///
/// A server that closes an HTTP/1 connection with bytes unread resets it, and the reset overtakes the answer: the
/// client, or the proxy in front, sees a broken connection instead of the reason. Bounded in size and time: whoever
/// is refused may be up to no good. HTTP/2 resets streams only, and a client that waits for `100 Continue` has sent
/// nothing.
pub(super) async fn discard(request: &mut Request) -> bool {
    if request.version() > Version::HTTP_11 || request.body().is_end_stream() {
        return true;
    }
    let waits = request.headers().contains_key(EXPECT);
    !waits && tokio::time::timeout(LONGEST, forget(request.body_mut())).await.unwrap_or(false)
}

/// Tells whether the body came to its end.
async fn forget(body: &mut Body) -> bool {
    let mut left = MOST;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        let length = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return false,
        }
    }
    true
}
