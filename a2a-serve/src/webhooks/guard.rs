//! Which URLs a webhook may have: those that lead to the public internet, so that nobody makes this server call its own
//! network.

use a2a::A2AError;
use http::Uri;
use url::Url;

use super::{addresses, names};

/// Checks a webhook's URL before it is kept. What its name resolves to is checked again at each connection.
pub(super) fn check_url(url: &str, allow_local: bool) -> Result<(), A2AError> {
    let invalid = |why: &str| A2AError::invalid_params(format!("the push notification url {why}"));
    if url.is_empty() {
        return Err(invalid("is required"));
    }
    let uri: Uri = url.parse().map_err(|_| invalid("is not a URL"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(invalid("must begin with http:// or https://"));
    }
    // As the client reads it that is going to call it.
    let read = Url::parse(url).map_err(|_| invalid("is not a URL"))?;
    if read.port() == Some(0) {
        return Err(invalid("names port 0, which is nobody's"));
    }
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| invalid("names no host"))?;
    match reserved(host).filter(|_| !allow_local) {
        Some(why) => Err(invalid(&format!("must lead to the public internet; its host is not there: {why}"))),
        None => Ok(()),
    }
}

/// Returns what a host, as a URL has it, is or leads to, unless it may be on the public internet.
pub(super) fn reserved(host: &str) -> Option<&'static str> {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    match host.parse() {
        Ok(address) => addresses::reserved(address),
        Err(_) if is_number(&host) => Some("a number"),
        Err(_) => names::reserved(&host),
    }
}

/// "127.1", "0x7f000001" and "2130706433" are addresses to a resolver, though not to the parser.
fn is_number(host: &str) -> bool {
    host.rsplit('.').next().is_some_and(|label| {
        label.starts_with("0x") || (!label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_client_can_call_is_refused() {
        for url in
            ["http://93.184.215.14:99999/", "http://93.184.215.14:0/", "http://exa mple.com/", "http://"]
        {
            assert!(check_url(url, true).is_err(), "{url}");
        }
    }

    #[test]
    fn public_addresses_pass_and_local_ones_do_not() {
        for url in [
            "https://example.com/hook",
            "http://93.184.215.14:8080/",
            "https://[2606:2800::1]/x",
            "https://[64:ff9b::93.184.215.14]/",
            "https://[::ffff:93.184.215.14]/",
        ] {
            assert!(check_url(url, false).is_ok(), "{url}");
        }
        for url in [
            "http://localhost/",
            "http://LOCALHOST./",
            "http://a.localhost/",
            "http://127.0.0.1:1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://10.0.0.1/",
            "http://169.254.169.254/",
            "http://168.63.129.16/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[fc00::1]/",
            "http://[fe80::1]/",
            "http://[64:ff9b::10.0.0.1]/",
            "http://[64:ff9b:1::93.184.215.14]/",
            "http://[2002:7f00:1::]/",
            "http://metadata/",
            "http://Metadata.Google.Internal./",
        ] {
            assert!(check_url(url, false).is_err(), "{url}");
            assert!(check_url(url, true).is_ok(), "{url}");
        }
    }

    #[test]
    fn a_refusal_says_why() {
        let error = check_url("http://169.254.169.254/latest/planted", false).unwrap_err();
        assert!(error.message.ends_with("not there: a metadata service"), "{error}");
        assert!(!error.message.contains("planted"), "{error}");
    }

    #[test]
    fn what_is_no_web_address_is_refused_always() {
        for url in ["", "ftp://example.com/", "example.com/hook", "http://", "/hook", "http://a b/"] {
            assert_eq!(check_url(url, true).unwrap_err().code, a2a::error_code::INVALID_PARAMS, "{url}");
        }
    }
}
