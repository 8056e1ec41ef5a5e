//! For which hosts requests are answered. A page whose name leads to this machine (DNS rebinding) is of the same origin as the
//! agent for a browser, CORS or not; only the host that it asks for betrays it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use a2a::AgentCard;
use axum::extract::Request;
use axum::http::Uri;
use axum::http::header::HOST;
use axum::http::uri::Authority;

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

    /// Tells whether a request is for one of them.
    pub(super) fn serve(&self, request: &Request) -> bool {
        let Some(served) = &self.0 else { return true };
        // Only programs that are no browsers name none.
        let Some(host) = host_of(request) else { return true };
        let host = host.to_ascii_lowercase();
        is_own(&host) || served.contains(&host)
    }
}

/// What HTTP/2 and proxies write into the URL, and HTTP/1 into a header.
pub(super) fn host_of(request: &Request) -> Option<String> {
    if let Some(host) = request.uri().host() {
        return Some(host.to_owned());
    }
    let mut headers = request.headers().get_all(HOST).iter();
    let header = headers.next()?.to_str().ok().filter(|_| headers.next().is_none());
    let authority = header.and_then(|host| host.parse::<Authority>().ok());
    // What is no host, or two, is none that is served.
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
        hosts.serve(&request.body(Body::empty()).unwrap())
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
    fn a_request_that_names_two_hosts_is_for_neither() {
        let request = Request::get("/tasks").header(HOST, "localhost").header(HOST, "localhost");
        assert!(!Hosts::only([]).serve(&request.body(Body::empty()).unwrap()));
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
