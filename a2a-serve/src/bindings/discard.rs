//! Reads what a refused client still sends, so that it lives to see the answer.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::Version;
use axum::http::header::EXPECT;
use bytes::Bytes;
use http_body_util::BodyExt;

/// The most that is read of a body that nobody wants, in bytes.
const MOST: usize = 64 * 1024 * 1024;
/// For how long it is read.
const LONGEST: Duration = Duration::from_secs(10);

/// Reads what is left of the body of a refused request, and forgets it.
///
/// A server that closes an HTTP/1 connection with bytes unread resets it, and the reset overtakes the answer: the
/// client, or the proxy in front, sees a broken connection instead of the reason. Bounded in size and time: whoever
/// is refused may be up to no good. HTTP/2 resets streams only, and a client that waits for `100 Continue` has sent
/// nothing.
pub(super) async fn discard(request: &mut Request) {
    let body = std::mem::take(request.body_mut());
    let waits = request.headers().contains_key(EXPECT);
    if waits || request.version() > Version::HTTP_11 || body.is_end_stream() {
        return;
    }
    // Whether all of it came is nobody's concern any more.
    let _ = tokio::time::timeout(LONGEST, forget(body)).await;
}

async fn forget(mut body: Body) {
    let mut left = MOST;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
