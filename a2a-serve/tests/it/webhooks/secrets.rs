//! Neither errors nor the log tell where a webhook is, what it is sent, or with which credentials.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use a2a_cluster::WebhookTransport;
use a2a_serve::HttpWebhooks;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, fmt, registry};

use super::party::{Authority, Receiver};
use super::post;
use super::proxy::Proxy;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

#[tokio::test]
async fn neither_errors_nor_the_log_tell_where_a_webhook_is_or_what_it_was_sent() {
    let log = Log::default();
    // What libraries say below that is theirs, and stays out of the log of the binary.
    let filter = filter_fn(|line| *line.level() <= tracing::Level::INFO || line.target().starts_with("a2a_"));
    let lines = fmt::layer().with_ansi(false).with_writer(log.clone()).with_filter(filter);
    // With one subscriber alone, a log line that another test's thread reaches first stays off for all.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let _captured = tracing::subscriber::set_default(registry().with(lines));

    let proxy = Proxy::new("407 No", None).await;
    let authority = Authority::new();
    let (receiver, client) = (Receiver::new(&authority), authority.certify(&["planted-client.example.com"]));
    let through = HttpWebhooks::new()
        .proxy(&format!("http://planted-user:planted-password@{}", proxy.address))
        .unwrap()
        .extra_roots(authority.pem.as_bytes())
        .unwrap()
        .client_certificate(client.chain.as_bytes(), client.key.as_bytes())
        .unwrap();
    let mut said = vec![format!("{through:?}")];
    for url in [
        "http://planted-host.example.com/planted-path?planted-query",
        "https://ann:planted-secret@planted-host.example.com/planted-path",
        "http://10.0.0.1/planted-path",
        "http://planted-host.internal/planted-path",
        "planted-nonsense",
    ] {
        said.push(format!("{:?} {:?}", post(&through, url).await, through.check_url(url)));
    }
    // Nobody listens; a certificate that is not trusted.
    for address in ["127.0.0.1:1", &receiver.address.to_string()] {
        let url = format!("https://{address}/planted-path");
        said.push(format!("{:?}", post(&HttpWebhooks::allowing_local(), &url).await));
    }
    for pem in [format!("-----BEGIN CERTIFICATE-----\nplanted-\n{}", client.key), "planted-pem".to_owned()] {
        said.push(format!("{:?}", HttpWebhooks::new().extra_roots(pem.as_bytes()).unwrap_err()));
        let refused = HttpWebhooks::new().client_certificate(pem.as_bytes(), pem.as_bytes()).unwrap_err();
        said.push(format!("{refused} {refused:?}"));
    }

    said.push(String::from_utf8(log.0.lock().unwrap().clone()).unwrap());
    let said = said.join("\n");
    assert!(
        said.contains("a proxy asks for credentials") && said.contains("no way through the proxy"),
        "{said}"
    );
    let planted: Vec<&str> = said.lines().filter(|line| line.contains("planted-")).collect();
    assert_eq!(planted, Vec::<&str>::new());
}
