//! `health`: what it is told, and which address that comes to.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use reqwest::Url;

use super::tuning::some_seconds;
use crate::listen::reachable;

/// Settings of `health`.
#[derive(Debug, Args)]
pub(crate) struct Health {
    /// Where to ask: a URL, an address such as `localhost:8080`, or the path alone. By default `--listen`; the path is by
    /// default `/readyz`.
    #[arg(long, env = "A2A_URL", value_name = "URL", value_parser = place)]
    pub(crate) url: Option<Place>,
    /// The address that `serve` is told; one of all interfaces is asked by loopback.
    #[arg(long, env = "A2A_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Ask whether the process answers (`/healthz`) instead of whether it should get requests (`/readyz`).
    #[arg(long, env = "A2A_LIVE", value_parser = BoolishValueParser::new())]
    pub(crate) live: bool,
    /// How long to wait for the answer.
    #[arg(long, env = "A2A_TIMEOUT", value_name = "SECONDS", default_value = "2", value_parser = some_seconds)]
    pub(crate) timeout: Duration,
}

/// What of a URL was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    authority: Option<String>,
    path: Option<String>,
}

/// No server can be asked there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody knows which port --listen {0} takes: give --url")]
pub(crate) struct AnyPort(SocketAddr);

impl Health {
    /// The URL to ask.
    ///
    /// # Errors
    ///
    /// [`AnyPort`] where the flags name no port.
    pub(crate) fn target(&self) -> Result<String, AnyPort> {
        let Place { authority, path } = self.url.clone().unwrap_or(Place { authority: None, path: None });
        let authority = match authority {
            Some(authority) => authority,
            None if self.listen.port() == 0 => return Err(AnyPort(self.listen)),
            None => reachable(self.listen).to_string(),
        };
        let usual = if self.live { "/healthz" } else { "/readyz" };
        Ok(format!("http://{authority}{}", path.as_deref().unwrap_or(usual)))
    }
}

fn place(text: &str) -> Result<Place, String> {
    let wrong = || "expected something like http://127.0.0.1:8080, localhost:8080 or /readyz".to_owned();
    let is_path = text.starts_with('/');
    let whole = match text {
        path if is_path => format!("http://localhost{path}"),
        url if url.contains("://") => url.to_owned(),
        address => format!("http://{address}"),
    };
    let url = Url::parse(&whole).map_err(|_| wrong())?;
    // Instances speak clear text; what ends TLS before them has health checks of its own.
    if url.scheme() != "http" || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong());
    }
    let authority = (!is_path).then(|| url.authority().to_owned());
    let path = match (url.path(), url.query()) {
        ("/", None) => None,
        (path, None) => Some(path.to_owned()),
        (path, Some(query)) => Some(format!("{path}?{query}")),
    };
    Ok(Place { authority, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: Option<&str>, listen: &str, live: bool) -> Result<String, String> {
        let url = url.map(place).transpose()?;
        let health = Health { url, listen: listen.parse().unwrap(), live, timeout: Duration::ZERO };
        health.target().map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_said_of_the_url_is_where_serve_listens_and_the_readiness() {
        let table = [
            (None, "127.0.0.1:8080", "http://127.0.0.1:8080/readyz"),
            (None, "0.0.0.0:80", "http://127.0.0.1:80/readyz"),
            (None, "[::]:8080", "http://[::1]:8080/readyz"),
            (Some("/healthz"), "10.0.0.7:81", "http://10.0.0.7:81/healthz"),
            (Some("/"), "10.0.0.7:81", "http://10.0.0.7:81/readyz"),
            (Some("localhost:9"), "127.0.0.1:0", "http://localhost:9/readyz"),
            (Some("localhost:9/of/it"), "127.0.0.1:0", "http://localhost:9/of/it"),
            (Some("localhost"), "127.0.0.1:0", "http://localhost/readyz"),
            (Some("[::1]:9"), "127.0.0.1:0", "http://[::1]:9/readyz"),
            (Some("http://a.example:9/"), "127.0.0.1:0", "http://a.example:9/readyz"),
            (Some("http://a.example/of/it?x=1"), "127.0.0.1:0", "http://a.example/of/it?x=1"),
        ];
        for (url, listen, expected) in table {
            assert_eq!(target(url, listen, false).as_deref(), Ok(expected), "{url:?} {listen}");
        }
        assert_eq!(target(None, "127.0.0.1:80", true).as_deref(), Ok("http://127.0.0.1:80/healthz"));
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        for wrong in ["", " ", "https://x", "ftp://x", "http://", "u:p@x:9", "a b", "x:99999/y"] {
            assert!(target(Some(wrong), "127.0.0.1:80", false).is_err(), "{wrong:?}");
        }
        assert!(target(None, "127.0.0.1:0", false).unwrap_err().contains("give --url"));
    }
}
