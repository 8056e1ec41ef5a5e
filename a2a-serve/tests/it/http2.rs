//! A peer of HTTP/2 that says frame by frame what no client would.

use std::net::SocketAddr;

use a2a_pb::proto::SubscribeToTaskRequest;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// A setting: how much of each answer may be sent before it is asked for.
pub(crate) const INITIAL_WINDOW_SIZE: u8 = 4;

/// An error's code: it is not wanted any more.
pub(crate) const CANCEL: u32 = 8;

/// What the server said.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// A frame as it is sent.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A header that is written out, and that nobody is to remember.
pub(crate) fn header(name: &str, value: &str) -> Vec<u8> {
    let mut header = vec![0, u8::try_from(name.len()).unwrap()];
    header.extend(name.as_bytes());
    // What does not fit into the prefix of seven bits follows, seven bits at a time.
    match value.len().checked_sub(127) {
        None => header.push(u8::try_from(value.len()).unwrap()),
        Some(mut rest) => {
            header.push(127);
            while rest >= 128 {
                header.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            header.push(u8::try_from(rest).unwrap());
        }
    }
    header.extend(value.as_bytes());
    header
}

/// The headers of a request for this.
pub(crate) fn get(path: &str) -> Vec<u8> {
    let (get, http) = (0x82, 0x86);
    let mut headers = vec![get, http];
    for (name, value) in [(":path", path), (":authority", "localhost"), ("a2a-version", "1.0")] {
        headers.extend(header(name, value));
    }
    headers
}

/// The headers of a call of gRPC.
fn call(method: &str) -> Vec<u8> {
    let (post, http) = (0x83, 0x86);
    let path = format!("/lf.a2a.v1.A2AService/{method}");
    let mut headers = vec![post, http];
    for (name, value) in [
        (":path", path.as_str()),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("a2a-version", "1.0"),
    ] {
        headers.extend(header(name, value));
    }
    headers
}

pub(crate) struct Peer(pub(crate) TcpStream);

impl Peer {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Peer::with_window(address, 65_535).await
    }

    /// One that may be sent so much of each answer before it asks for more.
    pub(crate) async fn with_window(address: SocketAddr, window: u32) -> Self {
        let mut peer = Peer(TcpStream::connect(address).await.unwrap());
        // A clock that is paused does not wait for what the system holds back.
        peer.0.set_nodelay(true).unwrap();
        peer.0.write_all(PREFACE).await.unwrap();
        let mut setting = vec![0, INITIAL_WINDOW_SIZE];
        setting.extend(window.to_be_bytes());
        peer.say(SETTINGS, 0, 0, &setting).await;
        // All answers together are not bounded.
        peer.say(WINDOW_UPDATE, 0, 0, &0x7fff_0000_u32.to_be_bytes()).await;
        peer
    }

    pub(crate) async fn say(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.0.write_all(&frame(kind, flags, stream, payload)).await.unwrap();
    }

    /// Asks for this.
    pub(crate) async fn ask(&mut self, stream: u32, path: &str) {
        self.say(HEADERS, END_HEADERS | END_STREAM, stream, &get(path)).await;
    }

    /// Subscribes to a task over gRPC.
    pub(crate) async fn subscribe(&mut self, stream: u32, task: &str) {
        self.say(HEADERS, END_HEADERS, stream, &call("SubscribeToTask")).await;
        let request = SubscribeToTaskRequest { id: task.to_owned(), ..SubscribeToTaskRequest::default() };
        let request = request.encode_to_vec();
        let mut message = vec![0];
        message.extend(u32::try_from(request.len()).unwrap().to_be_bytes());
        message.extend(request);
        self.say(DATA, END_STREAM, stream, &message).await;
    }

    /// The next frame, until the server has closed the connection.
    pub(crate) async fn read(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        Some(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
    }

    /// The next frame. Pings are answered.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let frame = self.read().await?;
        if frame.kind == PING && frame.flags == 0 {
            self.answer_ping(&frame).await;
        }
        Some(frame)
    }

    pub(crate) async fn answer_ping(&mut self, ping: &Frame) {
        // That the connection is closed is heard at the next read.
        let _ = self.0.write_all(&frame(PING, 1, 0, &ping.payload)).await;
    }

    /// The next frame of this kind.
    pub(crate) async fn next_of(&mut self, kind: u8) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if frame.kind == kind {
                return Some(frame);
            }
        }
    }
}
