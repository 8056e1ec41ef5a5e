//! Compressed messages of gRPC, which none here takes: a few bytes would become as many as a message may have.
//!
//! <https://github.com/grpc/grpc/blob/master/doc/compression.md>

use axum::http::HeaderMap;
use tonic::Status;
use tonic::metadata::MetadataValue;

const ENCODING: &str = "grpc-encoding";
const ACCEPT_ENCODING: &str = "grpc-accept-encoding";
/// The only one that is taken.
const IDENTITY: &str = "identity";

/// The first byte of a message that is compressed.
const COMPRESSED: u8 = 1;

/// What whoever announces compressed messages is told, before any of them is read: which are taken.
pub(super) fn refusal(headers: &HeaderMap) -> Option<Status> {
    if headers.get_all(ENCODING).iter().all(|encoding| encoding == IDENTITY) {
        return None;
    }
    let mut status = Status::unimplemented("compressed messages are not supported, send them as they are");
    status.metadata_mut().insert(ACCEPT_ENCODING, MetadataValue::from_static(IDENTITY));
    Some(status)
}

/// What whoever sends a compressed message is told that did not announce one.
pub(super) fn refusal_of_message(frame: &[u8]) -> Option<Status> {
    let is_compressed = frame.first() == Some(&COMPRESSED);
    is_compressed
        .then(|| Status::internal("the message has its compressed flag set, and there is no grpc-encoding"))
}
