use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

#[test]
fn addresses_are_checked_as_the_client_reads_them() {
    for url in [
        "http://127.0.0.1/",
        "http://0x7f.0.0.1/",
        "http://017700000001/",
        "http://%6cocalhost/",
        "http://localhost./",
        "http://[::ffff:7f00:1]/",
        "http:127.0.0.1/",
        "http:\\\\127.0.0.1/",
        "http://１２７.0.0.1/",
    ] {
        assert!(HttpWebhooks::new().address(url).is_none(), "{url}");
    }
    assert!(HttpWebhooks::allowing_local().address("http://127.0.0.1/").is_some());
    assert!(HttpWebhooks::allowing_local().address("ftp://example.com/").is_none());
}

#[test]
fn a_pause_is_asked_for_in_seconds_or_until_a_date() {
    let now = DateTime::parse_from_rfc3339("2026-11-30T10:00:00Z").unwrap().to_utc();
    for (value, seconds) in [
        ("120", Some(120)),
        (" 7 ", Some(7)),
        ("Mon, 30 Nov 2026 10:01:30 GMT", Some(90)),
        ("Mon, 30 Nov 2026 09:59:00 GMT", Some(0)),
        ("-1", None),
        ("soon", None),
    ] {
        let answer = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
        assert_eq!(asked_for(&answer, now), seconds.map(Duration::from_secs), "{value}");
    }
}

#[test]
fn what_an_address_holds_beside_the_place_stays_out_of_the_request_line() {
    let url = Url::parse("https://ann:p%40ss@example.com/hook?a=1#part").unwrap();
    let request = prepared(url, HeaderMap::new(), Bytes::new()).unwrap();
    assert_eq!(request.uri(), "https://example.com/hook?a=1");
    assert_eq!(request.headers()[AUTHORIZATION], format!("Basic {}", STANDARD.encode("ann:p@ss")));

    let own = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("Bearer x"))]);
    let request = prepared("https://ann@example.com/".parse().unwrap(), own, Bytes::new()).unwrap();
    assert_eq!(request.headers()[AUTHORIZATION], "Bearer x");
}

#[tokio::test]
async fn an_https_webhook_is_called_encrypted_whatever_the_program_chose_for_tls() {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/hook", socket.local_addr().unwrap());
    let called = async {
        let (mut stream, _) = socket.accept().await.unwrap();
        let mut record = [0; 3];
        stream.read_exact(&mut record).await.map(|_| record)
    };
    let request = WebhookRequest { url, headers: HeaderMap::new(), body: Bytes::from_static(b"secret") };
    let webhooks = HttpWebhooks::allowing_local();
    let (failed, called) = tokio::join!(webhooks.post(request), called);
    // The first record of a handshake; then the connection ends, and nothing is sent in clear text instead.
    assert_eq!(called.unwrap(), [0x16, 0x03, 0x01]);
    assert!(matches!(failed, Err(WebhookFailure::Failed)), "{failed:?}");
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_called_and_nobody_asks_twice() {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let local = socket.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    // As who rebinds a name does: another answer for whoever asks again.
    let lookup = {
        let asked = Arc::clone(&asked);
        move |_| {
            let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
            let address = SocketAddr::new(if first { local.ip() } else { Ipv6Addr::LOCALHOST.into() }, 0);
            std::future::ready(Ok(vec![address])).boxed()
        }
    };
    let webhooks = HttpWebhooks::allowing_local();
    let client = webhooks.make(Names::new(lookup, true));
    let webhooks = HttpWebhooks { client: OnceLock::from(client), ..webhooks };
    let called = async {
        let (mut stream, _) = socket.accept().await.unwrap();
        let mut head = [0; 1024];
        let read = stream.read(&mut head).await.unwrap();
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        String::from_utf8_lossy(&head[..read]).into_owned()
    };
    let url = format!("http://receiver.example:{}/hook", local.port());
    let request = WebhookRequest { url, headers: HeaderMap::new(), body: Bytes::from_static(b"{}") };
    let (answer, head) = tokio::join!(webhooks.post(request), called);
    assert_eq!(answer.unwrap().status, 204);
    assert!(head.contains(&format!("host: receiver.example:{}\r\n", local.port())), "{head}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_name_that_leads_here_is_not_called_whatever_else_it_leads_to() {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let local = socket.local_addr().unwrap();
    let both = vec![SocketAddr::new(local.ip(), 0), "93.184.215.14:0".parse().unwrap()];
    let lookup = move |_| std::future::ready(Ok(both.clone())).boxed();
    let client = HttpWebhooks::new().make(Names::new(lookup, false));
    let webhooks = HttpWebhooks { client: OnceLock::from(client), ..HttpWebhooks::new() };
    let url = format!("http://receiver.example:{}/hook", local.port());
    let request = WebhookRequest { url, headers: HeaderMap::new(), body: Bytes::new() };
    assert_eq!(webhooks.post(request).await, Err(WebhookFailure::Failed));
    assert!(socket.accept().now_or_never().is_none(), "it was called");
}
