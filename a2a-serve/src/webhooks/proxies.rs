//! Through which proxy a webhook is called, where there is one.

use std::env;
use std::fmt;
use std::sync::Arc;

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use super::error::WebhookSettingsError;

/// The variables that name proxies; those in lower case count where the others are not set.
const VARIABLES: [[&str; 2]; 3] =
    [["ALL_PROXY", "all_proxy"], ["HTTPS_PROXY", "https_proxy"], ["HTTP_PROXY", "http_proxy"]];

/// Which proxy is whose.
#[derive(Clone, Default)]
pub(super) struct Proxies(Option<Arc<Matcher>>);

impl Proxies {
    /// One for all webhooks.
    pub(super) fn at(url: &str) -> Result<Self, WebhookSettingsError> {
        if !is_proxy(url) {
            return Err(WebhookSettingsError::Proxy);
        }
        Ok(Proxies(Some(Arc::new(Matcher::builder().all(url).build()))))
    }

    /// Those that the environment names.
    pub(super) fn from_env() -> Result<Self, WebhookSettingsError> {
        for names in VARIABLES {
            let set = names.into_iter().find_map(|name| Some((name, env::var(name).ok()?)));
            if let Some((name, _)) = set.filter(|(_, url)| !url.is_empty() && !is_proxy(url)) {
                return Err(WebhookSettingsError::ProxyVariable(name));
            }
        }
        Ok(Proxies(Some(Arc::new(Matcher::from_env()))))
    }

    /// The proxy through which this webhook is called; `None`: straight.
    pub(super) fn of(&self, webhook: &Uri) -> Option<Intercept> {
        self.0.as_ref()?.intercept(webhook)
    }
}

/// Where they are is not told: a URL may hold a password.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies").field("any", &self.0.is_some()).finish()
    }
}

/// Tells whether this is the URL of a proxy that is spoken to in clear text: `http://` may be left out.
fn is_proxy(url: &str) -> bool {
    let is_bare = |uri: &Uri| matches!(uri.path(), "" | "/") && uri.query().is_none();
    let is_http = |uri: &Uri| matches!(uri.scheme_str(), None | Some("http"));
    let has_host = |uri: &Uri| uri.host().is_some_and(|host| !host.is_empty());
    url.parse().is_ok_and(|uri: Uri| is_http(&uri) && has_host(&uri) && is_bare(&uri))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(url: &str) -> Option<String> {
        let intercept = Proxies::at(url).ok()?.of(&Uri::from_static("https://example.com/hook"))?;
        Some(intercept.uri().to_string())
    }

    #[test]
    fn a_proxy_is_a_host_with_or_without_a_port_and_credentials() {
        for (url, seen) in [
            ("http://proxy.example.com:3128", "http://proxy.example.com:3128/"),
            ("http://10.0.0.1/", "http://10.0.0.1/"),
            ("http://ann:p%40ss@proxy.example.com", "http://proxy.example.com/"),
            ("http://[fd00::1]:8080", "http://[fd00::1]:8080/"),
            ("proxy.example.com:3128", "http://proxy.example.com:3128/"),
        ] {
            assert_eq!(proxy(url).as_deref(), Some(seen), "{url}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused_and_not_repeated() {
        for url in [
            "",
            "https://p.planted",
            "socks5://p.planted",
            "http://",
            "http://p.planted/x",
            "http://a b",
            "/planted",
        ] {
            let error = Proxies::at(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("planted"), "{url}: {error}");
        }
    }

    #[test]
    fn credentials_of_a_proxy_are_not_shown() {
        let proxies = Proxies::at("http://ann:planted@proxy.example.com").unwrap();
        let intercept = proxies.of(&Uri::from_static("http://example.com/")).unwrap();
        assert!(intercept.basic_auth().is_some_and(http::HeaderValue::is_sensitive));
        assert!(!format!("{proxies:?} {intercept:?}").contains("planted"));
    }
}
