//! Opens connections to webhooks: straight, to addresses that the guard lets pass, or through a proxy, which then is the guard.

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::{fmt, io};

use futures::future::BoxFuture;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::{BoxError, Service};

use super::proxies::Proxies;
use super::resolver::Names;

/// The way out.
#[derive(Clone, Debug)]
pub(super) struct Egress {
    straight: HttpConnector<Names>,
    /// A proxy is the operator's: it may be anywhere.
    to_proxy: HttpConnector<Names>,
    proxies: Proxies,
}

impl Egress {
    pub(super) fn new(names: Names, proxies: Proxies) -> Self {
        Egress { straight: connector(names), to_proxy: connector(Names::of_system(true)), proxies }
    }
}

fn connector(names: Names) -> HttpConnector<Names> {
    let mut connector = HttpConnector::new_with_resolver(names);
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector
}

impl Service<Uri> for Egress {
    type Response = Hop;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Hop, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // The connectors always are.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, webhook: Uri) -> Self::Future {
        let Some(proxy) = self.proxies.of(&webhook) else {
            let connecting = self.straight.call(webhook);
            return Box::pin(async move { Ok(Hop { io: connecting.await?, forwards: false }) });
        };
        if webhook.scheme_str() == Some("https") {
            let connecting = tunnel(&proxy, self.to_proxy.clone()).call(webhook);
            return Box::pin(async move {
                // What goes wrong names neither the webhook nor the proxy.
                let io = connecting
                    .await
                    .inspect_err(|error| tracing::debug!(%error, "no way through the proxy"))?;
                Ok(Hop { io, forwards: false })
            });
        }
        let connecting = self.to_proxy.call(proxy.uri().clone());
        Box::pin(async move { Ok(Hop { io: connecting.await?, forwards: true }) })
    }
}

fn tunnel(proxy: &Intercept, connector: HttpConnector<Names>) -> Tunnel<HttpConnector<Names>> {
    let tunnel = Tunnel::new(proxy.uri().clone(), connector);
    match proxy.basic_auth() {
        Some(credentials) => tunnel.with_auth(credentials.clone()),
        None => tunnel,
    }
}

/// A connection to a webhook, or to a proxy that forwards requests, which then carry the whole URL.
pub(super) struct Hop {
    io: TokioIo<TcpStream>,
    forwards: bool,
}

impl fmt::Debug for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hop").field("forwards", &self.forwards).finish_non_exhaustive()
    }
}

impl Connection for Hop {
    fn connected(&self) -> Connected {
        self.io.connected().proxy(self.forwards)
    }
}

impl Read for Hop {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, to)
    }
}

impl Write for Hop {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, parts)
    }
}
