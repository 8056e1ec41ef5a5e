//! The transport of push notifications: proxies, certificates, and what it tells nobody.

mod certificates;
mod party;
mod proxies;
mod proxy;
mod secrets;

use a2a_cluster::{WebhookAnswer, WebhookFailure, WebhookRequest, WebhookTransport};
use a2a_serve::HttpWebhooks;
use bytes::Bytes;
use http::HeaderMap;

/// Posts a notification to a webhook.
async fn post(webhooks: &HttpWebhooks, url: &str) -> Result<WebhookAnswer, WebhookFailure> {
    let headers =
        HeaderMap::from_iter([(http::header::AUTHORIZATION, "Bearer planted-token".parse().unwrap())]);
    let request = WebhookRequest { url: url.to_owned(), headers, body: Bytes::from_static(b"planted-body") };
    webhooks.post(request).await
}
