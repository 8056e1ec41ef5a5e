//! Webhooks by way of a proxy: what it sees, and what is never sent to it.

use a2a_cluster::{WebhookFailure, WebhookTransport};
use a2a_serve::HttpWebhooks;

use super::party::{Authority, Receiver};
use super::post;
use super::proxy::Proxy;

/// `ann` and `planted-password`.
const CREDENTIALS: &str = "proxy-authorization: basic yw5uonbsyw50zwqtcgfzc3dvcmq=\r\n";

fn through(proxy: &Proxy) -> HttpWebhooks {
    HttpWebhooks::new().proxy(&format!("http://ann:planted-password@{}", proxy.address)).unwrap()
}

#[tokio::test]
async fn a_webhook_in_clear_text_is_forwarded_and_its_name_is_the_proxys_to_resolve() {
    let proxy = Proxy::new("204 No Content", None).await;
    let answer = post(&through(&proxy), "http://receiver.example.com/hook?a=1").await.unwrap();
    assert_eq!(answer.status, 204);
    let seen = proxy.seen().concat().to_lowercase();
    assert!(seen.starts_with("post http://receiver.example.com/hook?a=1 http/1.1\r\n"), "{seen}");
    assert!(seen.contains(CREDENTIALS) && seen.contains("host: receiver.example.com\r\n"), "{seen}");
}

#[tokio::test]
async fn a_webhook_over_tls_is_called_through_a_tunnel_and_the_proxy_reads_nothing() {
    let authority = Authority::new();
    let (receiver, client) = (Receiver::new(&authority), authority.certify(&["a2a.example.com"]));
    let proxy = Proxy::new("502 Bad Gateway", Some(receiver.address)).await;
    let webhooks = through(&proxy)
        .extra_roots(authority.pem.as_bytes())
        .unwrap()
        .client_certificate(client.chain.as_bytes(), client.key.as_bytes())
        .unwrap();
    assert_eq!(post(&webhooks, "https://receiver.example.com/hook").await.unwrap().status, 204);

    let seen = proxy.seen().concat();
    let (head, tunnelled) = seen.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("CONNECT receiver.example.com:443 HTTP/1.1\r\n"), "{head}");
    assert!(format!("{head}\r\n").to_lowercase().contains(CREDENTIALS), "{head}");
    assert!(!tunnelled.is_empty() && !tunnelled.contains("planted-") && !tunnelled.contains("/hook"));

    let request = receiver.called().await.unwrap().request.to_lowercase();
    assert!(request.starts_with("post /hook http/1.1\r\n"), "{request}");
    assert!(!request.contains("proxy-authorization"), "{request}");
}

#[tokio::test]
async fn what_a_url_shows_not_to_be_public_is_not_sent_to_the_proxy_either() {
    let proxy = Proxy::new("204 No Content", None).await;
    let webhooks = through(&proxy);
    for url in [
        "http://127.0.0.1:1/",
        "http://2130706433/",
        "https://10.0.0.1/",
        "http://169.254.169.254/latest/",
        "https://[fd00:ec2::254]/",
        "http://[::ffff:127.0.0.1]/",
        "http://metadata/",
        "http://metadata.google.internal/",
        "http://localhost/",
    ] {
        assert!(webhooks.check_url(url).is_err(), "{url}");
        assert_eq!(post(&webhooks, url).await, Err(WebhookFailure::Blocked), "{url}");
    }
    assert_eq!(proxy.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn a_proxy_that_asks_for_other_credentials_is_a_failure_and_not_the_webhooks_answer() {
    for url in ["http://receiver.example.com/hook", "https://receiver.example.com/hook"] {
        let proxy = Proxy::new("407 Proxy Authentication Required", None).await;
        assert_eq!(post(&through(&proxy), url).await, Err(WebhookFailure::Failed), "{url}");
        assert_eq!(proxy.seen().len(), 1, "{url}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_through_a_proxy() {
    let proxy = Proxy::new("302 Found\r\nlocation: http://other.example.com/", None).await;
    let answer = post(&through(&proxy), "http://receiver.example.com/hook").await.unwrap();
    assert_eq!((answer.status.as_u16(), proxy.seen().len()), (302, 1));
}

#[tokio::test]
async fn a_proxy_that_is_away_is_not_gone_round() {
    let proxy = Proxy::new("204 No Content", None).await;
    let webhooks = HttpWebhooks::allowing_local().proxy("http://127.0.0.1:1").unwrap();
    let url = format!("http://{}/hook", proxy.address);
    assert_eq!(post(&webhooks, &url).await, Err(WebhookFailure::Failed));
    assert_eq!(proxy.seen(), Vec::<String>::new());
}
