//! Roots beside the platform's, and a certificate that says who calls.

use a2a_cluster::WebhookFailure;
use a2a_serve::{HttpWebhooks, WebhookSettingsError};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::party::{Authority, Certified, Receiver};
use super::post;

async fn call(webhooks: HttpWebhooks, receiver: &Receiver) -> Result<u16, WebhookFailure> {
    let answer = post(&webhooks, &format!("https://{}/hook", receiver.address)).await;
    answer.map(|answer| answer.status.as_u16())
}

#[tokio::test]
async fn a_webhook_whose_root_is_given_is_shown_the_clients_certificate() {
    let authority = Authority::new();
    let (receiver, client) = (Receiver::new(&authority), authority.certify(&["a2a.example.com"]));
    let roots = [Authority::new().pem, authority.pem].concat();
    let webhooks = HttpWebhooks::allowing_local()
        .extra_roots(roots.as_bytes())
        .unwrap()
        .client_certificate(client.chain.as_bytes(), client.key.as_bytes())
        .unwrap();
    assert_eq!(call(webhooks, &receiver).await, Ok(204));
    let called = receiver.called().await.unwrap();
    assert_eq!(called.client, Some(CertificateDer::from_pem_slice(client.chain.as_bytes()).unwrap()));
    assert!(called.request.starts_with("POST /hook HTTP/1.1\r\n"), "{}", called.request);
}

#[tokio::test]
async fn a_webhook_of_an_unknown_root_gets_nothing() {
    let authority = Authority::new();
    let (receiver, client) = (Receiver::new(&authority), authority.certify(&["a2a.example.com"]));
    let webhooks = HttpWebhooks::allowing_local()
        .extra_roots(Authority::new().pem.as_bytes())
        .unwrap()
        .client_certificate(client.chain.as_bytes(), client.key.as_bytes())
        .unwrap();
    assert_eq!(call(webhooks, &receiver).await, Err(WebhookFailure::Failed));
    assert!(receiver.called().await.is_err());
}

#[tokio::test]
async fn a_webhook_that_asks_for_a_certificate_takes_nothing_without_one() {
    let authority = Authority::new();
    let receiver = Receiver::new(&authority);
    let webhooks = HttpWebhooks::allowing_local().extra_roots(authority.pem.as_bytes()).unwrap();
    assert_eq!(call(webhooks, &receiver).await, Err(WebhookFailure::Failed));
    assert!(receiver.called().await.is_err());
}

/// The platform is asked in a process of its own: where it keeps its roots is in the environment, which threads share.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn further_roots_are_beside_those_of_the_platform() {
    use std::env::var;
    let [at, chain, key] = ["WEBHOOK_URL", "WEBHOOK_CHAIN", "WEBHOOK_KEY"];
    if let Ok(url) = var(at) {
        let (chain, key) = (var(chain).unwrap(), var(key).unwrap());
        let webhooks = HttpWebhooks::allowing_local().extra_roots(Authority::new().pem.as_bytes()).unwrap();
        let webhooks = webhooks.client_certificate(chain.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(post(&webhooks, &url).await.unwrap().status, 204);
        return;
    }
    let platform = Authority::new();
    let roots = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("platform.pem");
    std::fs::write(&roots, &platform.pem).unwrap();
    let (receiver, client) = (Receiver::new(&platform), platform.certify(&["a2a.example.com"]));
    let output = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "webhooks::certificates::further_roots_are_beside_those_of_the_platform"])
        .env("SSL_CERT_FILE", roots)
        .env(at, format!("https://{}/hook", receiver.address))
        .env(chain, &client.chain)
        .env(key, &client.key)
        .output();
    let output = output.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(receiver.called().await.unwrap().client.is_some());
}

#[test]
fn what_is_no_certificate_is_refused_when_it_is_set_and_not_repeated() {
    use WebhookSettingsError::{ClientCertificate, ClientKey, KeyOfAnother, Roots};
    let authority = Authority::new();
    let [Certified { chain, key }, other] = [(); 2].map(|()| authority.certify(&["a2a.example.com"]));
    let broken = chain.replace("-----END", "planted\n-----END");
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let hollow = "-----BEGIN CERTIFICATE-----\ncGxhbnRlZA==\n-----END CERTIFICATE-----\n";
    for roots in ["", "planted", &key, &broken, hollow, &[&chain, hollow].concat()] {
        let refused = HttpWebhooks::new().extra_roots(roots.as_bytes()).unwrap_err();
        assert_eq!(refused, Roots, "{roots}");
    }
    for (chain, key, expected) in [
        ("", key.as_str(), ClientCertificate),
        (&broken, &key, ClientCertificate),
        (hollow, &key, ClientCertificate),
        (&chain, "", ClientKey),
        (&chain, &chain, ClientKey),
        (&chain, &encrypted, ClientKey),
        (&chain, &key.replace("MI", "planted"), ClientKey),
        (&chain, &other.key, KeyOfAnother),
    ] {
        let refused = HttpWebhooks::new().client_certificate(chain.as_bytes(), key.as_bytes()).unwrap_err();
        assert_eq!(refused, expected, "{chain} {key}");
    }
}
