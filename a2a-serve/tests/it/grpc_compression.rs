//! Messages that come compressed over gRPC.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use a2a_serve::bindings::{RequestLimits, grpc_service};
use axum::body::Body;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Request;
use http_body_util::BodyExt;
use tonic::{Code, Status};
use tower::ServiceExt;

use super::handler::Recorder;

/// The frame of a message.
fn framed(is_compressed: bool, message: &[u8]) -> Bytes {
    let mut frame = vec![u8::from(is_compressed)];
    frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend(message);
    frame.into()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Asks for a task by this frame. Returns the status, and whether any of the frame was read.
async fn ask(handler: &Arc<Recorder>, encodings: &[&str], frame: Bytes) -> (Status, bool) {
    let mut request =
        Request::post("/lf.a2a.v1.A2AService/GetTask").header("content-type", "application/grpc");
    for encoding in encodings {
        request = request.header("grpc-encoding", *encoding);
    }
    let was_read = Arc::new(AtomicBool::new(false));
    let body = Body::from_stream(futures::stream::once({
        let was_read = Arc::clone(&was_read);
        async move {
            was_read.store(true, Ordering::Relaxed);
            Ok::<_, std::io::Error>(frame)
        }
    }));
    let request = request.header("a2a-version", "1.0").body(body).unwrap();
    let service = grpc_service(Arc::clone(handler), &RequestLimits::default());
    let (head, body) = service.oneshot(request).await.unwrap().into_parts();
    let collected = body.collect().await.unwrap();
    let status =
        Status::from_header_map(&head.headers).or_else(|| Status::from_header_map(collected.trailers()?));
    (status.unwrap(), was_read.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_compressed_message_is_refused_unread_and_told_what_is_accepted() {
    let handler = Recorder::new();
    let bomb = gzip(&vec![b'x'; 64 * 1024 * 1024]);
    assert!(bomb.len() < 128 * 1024, "{}", bomb.len());
    for (encodings, message) in [
        (&["gzip"][..], gzip(&[0x12, 2, b't', b'1'])),
        (&["gzip"], bomb.clone()),
        (&["deflate"], bomb.clone()),
        (&["zstd"], bomb.clone()),
        (&["identity", "gzip"], bomb),
        (&["nothing-known"], vec![0x12, 2, b't', b'1']),
    ] {
        let (status, was_read) = ask(&handler, encodings, framed(true, &message)).await;
        assert_eq!((status.code(), was_read), (Code::Unimplemented, false), "{encodings:?}: {status:?}");
        let accepted = status.metadata().get("grpc-accept-encoding").unwrap();
        assert_eq!(accepted, "identity", "{encodings:?}");
    }
    assert!(handler.take().is_empty());
}

#[tokio::test]
async fn a_message_that_says_that_it_is_as_it_is_is_read() {
    let handler = Recorder::new();
    for encodings in [&[][..], &["identity"]] {
        let (status, _) = ask(&handler, encodings, framed(false, &[0x12, 2, b't', b'1'])).await;
        assert_eq!(status.code(), Code::Ok, "{encodings:?}: {status:?}");
    }
    assert_eq!(handler.take().len(), 2);
}

#[tokio::test]
async fn a_compressed_message_that_was_not_announced_is_a_broken_protocol() {
    let handler = Recorder::new();
    for encodings in [&[][..], &["identity"]] {
        let (status, _) = ask(&handler, encodings, framed(true, &gzip(&[0x12, 2, b't', b'1']))).await;
        assert_eq!(status.code(), Code::Internal, "{encodings:?}: {status:?}");
        assert!(status.message().contains("compressed flag"), "{status:?}");
    }
    assert!(handler.take().is_empty());
}
