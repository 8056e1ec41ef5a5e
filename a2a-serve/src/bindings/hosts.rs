//! For which hosts requests are answered. A page whose name leads to this machine (DNS rebinding) is of the same origin as the
//! agent for a browser, CORS or not; only the host that it asks for betrays it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use a2a::AgentCard;
use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

/// The hosts of which requests are answered. By default those of any.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hosts(Option<Arc<BTreeSet<String>>>);

impl Hosts {
    /// These, and the names of this machine for itself.
    pub(crate) fn only(hosts: impl IntoIterator<Item = String>) -> Self {
        Hosts(Some(Arc::new(hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect())))
    }

    /// Those that a card names.
    pub(crate) fn of_card(card: &AgentCard) -> Self {
        let urls = card.supported_interfaces.iter().filter_map(|interface| interface.url.parse::<Uri>().ok());
        Self::only(urls.filter_map(|url| Some(url.host()?.to_owned())))
    }

    /// What a request for another host is answered with (RFC 9110, section 15.5.20).
    pub(super) fn refusal(&self, request: &Request) -> Option<Response> {
        let served = self.0.as_ref()?;
        // Only programs that are no browsers name none.
        let host = host_of(request)?.to_ascii_lowercase();
        if is_own(&host) || served.contains(&host) {
            return None;
        }
        tracing::info!("a request for a host that is not served was refused");
        Some((StatusCode::MISDIRECTED_REQUEST, "this host is not served here\n").into_response())
    }
}

/// What HTTP/2 and proxies write into the URL, and HTTP/1 into a header.
fn host_of(request: &Request) -> Option<String> {
    if let Some(host) = request.uri().host() {
        return Some(host.to_owned());
    }
    let header = request.headers().get(HOST)?;
    let authority = header.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
    // What is no host is none that is served.
    Some(authority.map_or_else(String::new, |authority| authority.host().to_owned()))
}

/// No name system gives these to anybody else.
fn is_own(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn is_served(hosts: &Hosts, uri: &str, host: Option<&str>) -> bool {
        let request = Request::get(uri);
        let request = match host {
            Some(host) => request.header(HOST, host),
            None => request,
        };
        hosts.refusal(&request.body(Body::empty()).unwrap()).is_none()
    }

    #[test]
    fn only_named_hosts_and_this_machines_own_names_are_served() {
        let hosts = Hosts::only(["Agent.example.com".to_owned()]);
        for host in [
            "agent.example.com",
            "AGENT.example.com:8080",
            "localhost:1",
            "127.0.0.1",
            "[::1]:8080",
            "a.localhost",
        ] {
            assert!(is_served(&hosts, "/tasks", Some(host)), "{host}");
        }
        for host in
            ["evil.example.com", "agent.example.com.evil.com", "10.0.0.1", "", "a b", "localhost.evil.com"]
        {
            assert!(!is_served(&hosts, "/tasks", Some(host)), "{host}");
            assert!(is_served(&Hosts::default(), "/tasks", Some(host)), "{host}");
        }
        assert!(is_served(&hosts, "/tasks", None));
        assert!(!is_served(&hosts, "http://evil.example.com/tasks", Some("localhost")));
    }

    #[test]
    fn a_card_names_its_hosts() {
        let mut card = a2a_testkit::card("agent");
        card.supported_interfaces =
            a2a_testkit::card::interfaces("https://agent.example.com/a2a", "https://grpc.example.com:50051");
        let hosts = Hosts::of_card(&card);
        for (host, served) in
            [("agent.example.com", true), ("grpc.example.com:1", true), ("example.com", false)]
        {
            assert_eq!(is_served(&hosts, "/", Some(host)), served, "{host}");
        }
    }
}
