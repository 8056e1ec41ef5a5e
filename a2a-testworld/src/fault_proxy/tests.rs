use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::*;

const SOON: Duration = Duration::from_secs(10);
const MOMENT: Duration = Duration::from_millis(50);

/// A socket that answers each byte with itself.
async fn echo() -> (SocketAddr, TaskTracker) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, tasks) = (listener.local_addr().unwrap(), TaskTracker::new());
    let connections = tasks.clone();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.spawn(async move {
                let (mut reads, mut writes) = stream.split();
                let _ = tokio::io::copy(&mut reads, &mut writes).await;
            });
        }
    });
    (address, tasks)
}

async fn said(stream: &mut TcpStream) -> std::io::Result<u8> {
    stream.write_all(b"x").await?;
    stream.read_u8().await
}

#[tokio::test]
async fn a_gate_leads_through_until_it_is_cut_and_again_when_it_opens() {
    let (target, _tasks) = echo().await;
    let proxy = FaultProxy::before(target).await.unwrap();
    let mut old = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(said(&mut old).await.unwrap(), b'x');

    proxy.set(Passage::Cut);
    assert!(timeout(SOON, old.read_u8()).await.unwrap().is_err());
    let mut new = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(timeout(SOON, said(&mut new)).await.unwrap().is_err());

    proxy.set(Passage::Open);
    let mut newest = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(said(&mut newest).await.unwrap(), b'x');
}

#[tokio::test]
async fn a_silent_gate_holds_connections_and_lets_none_of_them_go_on() {
    let (target, _tasks) = echo().await;
    let proxy = FaultProxy::before(target).await.unwrap();
    let mut old = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(said(&mut old).await.unwrap(), b'x');

    proxy.set(Passage::Silent);
    let mut new = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(timeout(MOMENT, said(&mut old)).await.is_err());
    assert!(timeout(MOMENT, said(&mut new)).await.is_err());

    proxy.set(Passage::Open);
    assert!(timeout(SOON, old.read_u8()).await.unwrap().is_err());
    let mut newest = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(said(&mut newest).await.unwrap(), b'x');
}
