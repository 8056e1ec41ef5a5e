//! A proxy of a few lines: it answers what it is to forward itself, leads every tunnel to one receiver, and keeps what it sees.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// One that listens until it is dropped.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    _listening: AbortOnDropHandle<()>,
}

impl Proxy {
    /// Answers every request with this, and every CONNECT, too, unless there is a receiver.
    pub(super) async fn new(answer: &'static str, receiver: Option<SocketAddr>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&seen);
        let listening = async move {
            while let Ok((stream, _)) = socket.accept().await {
                let at = {
                    let mut kept = kept.lock().unwrap();
                    kept.push(String::new());
                    kept.len() - 1
                };
                let keep = |bytes: &[u8]| kept.lock().unwrap()[at].push_str(&String::from_utf8_lossy(bytes));
                let _ = serve(stream, answer, receiver, keep).await;
            }
        };
        Proxy { address, seen, _listening: AbortOnDropHandle::new(tokio::spawn(listening)) }
    }

    /// What each connection has brought so far.
    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(
    mut client: TcpStream,
    answer: &str,
    receiver: Option<SocketAddr>,
    keep: impl Fn(&[u8]),
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    keep(&head);
    let Some(receiver) = receiver.filter(|_| head.starts_with(b"CONNECT ")) else {
        return client.write_all(format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await;
    };
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    let mut receiver = TcpStream::connect(receiver).await?;
    let (mut up, mut down) = ([0; 4096], [0; 4096]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => match read? {
                0 => return Ok(()),
                read => {
                    keep(&up[..read]);
                    receiver.write_all(&up[..read]).await?;
                }
            },
            read = receiver.read(&mut down) => match read? {
                0 => return Ok(()),
                read => client.write_all(&down[..read]).await?,
            },
        }
    }
}
