//! Which addresses a webhook may have: public ones, so that nobody makes this server call its own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use a2a::A2AError;
use http::Uri;

/// Names by which clouds and machines call themselves.
const LOCAL_NAMES: [&str; 4] =
    ["localhost", "metadata.google.internal", "metadata.goog", "metadata.azure.com"];

/// Checks a webhook's URL before it is kept. What its name resolves to is checked again at each delivery.
pub(super) fn check_url(url: &str, allow_local: bool) -> Result<(), A2AError> {
    let invalid = |why: &str| A2AError::invalid_params(format!("the push notification url {why}"));
    if url.is_empty() {
        return Err(invalid("is required"));
    }
    let uri: Uri = url.parse().map_err(|_| invalid("is not a URL"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(invalid("must begin with http:// or https://"));
    }
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| invalid("names no host"))?;
    if !allow_local && is_local(host) {
        return Err(invalid("must not lead to a local or private address"));
    }
    Ok(())
}

/// Tells whether a host, as a URL has it, is or names an address that is not public.
pub(super) fn is_local(host: &str) -> bool {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if LOCAL_NAMES.contains(&host.as_str()) || host.ends_with(".localhost") {
        return true;
    }
    match host.parse() {
        Ok(address) => is_private(address),
        // "127.1", "0x7f000001" and "2130706433" are addresses to a resolver, though not to the parser.
        Err(_) => host.rsplit('.').next().is_some_and(|label| {
            label.starts_with("0x") || (!label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit()))
        }),
    }
}

/// Tells whether an address is anything else than one machine on the public internet.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_private_v4(v4),
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                // Site-local addresses, fec0::/10: deprecated, and still not public.
                || v6.segments().first().is_some_and(|first| first & 0xffc0 == 0xfec0)
                || embedded_v4(v6).is_some_and(is_private_v4)
        }
    }
}

fn is_private_v4(v4: Ipv4Addr) -> bool {
    v4.is_loopback()
        || v4.is_private()
        || v4.is_link_local()
        || v4.is_multicast()
        || match v4.octets() {
            // "This network", 0.0.0.0/8; reserved addresses and broadcast, 240.0.0.0/4.
            [0 | 240..=255, ..] => true,
            // Carrier-grade NAT, 100.64.0.0/10.
            [100, second, ..] => second & 0xc0 == 64,
            // Protocol assignments, 192.0.0.0/24.
            [192, 0, 0, _] => true,
            // Benchmarks between networks, 198.18.0.0/15.
            [198, 18 | 19, ..] => true,
            _ => false,
        }
}

/// Returns the IPv4 address that a gateway or the machine itself would make of an IPv6 address.
fn embedded_v4(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match v6.segments() {
        // Mapped, translated and compatible addresses.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0, 0, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        // NAT64, with the well-known prefix and the local one.
        [0x64, 0xff9b, 0 | 1, .., high, low] => Some(v4(high, low)),
        // 6to4.
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_pass_and_local_ones_do_not() {
        for url in [
            "https://example.com/hook",
            "http://203.0.113.9:8080/",
            "https://[2001:db8::1]/x",
            "https://[64:ff9b::203.0.113.9]/",
            "https://[::ffff:203.0.113.9]/",
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
            "http://172.16.3.4/",
            "http://192.168.0.1/",
            "http://169.254.169.254/",
            "http://100.64.0.1/",
            "http://0.0.0.0/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[fc00::1]/",
            "http://[fe80::1]/",
            "http://[::ffff:0:127.0.0.1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::10.0.0.1]/",
            "http://[64:ff9b:1::10.0.0.1]/",
            "http://[2002:7f00:1::]/",
            "http://[fec0::1]/",
            "http://0.1.2.3/",
            "http://192.0.0.1/",
            "http://198.18.0.1/",
            "http://255.255.255.255/",
            "http://metadata.google.internal/",
        ] {
            assert!(check_url(url, false).is_err(), "{url}");
            assert!(check_url(url, true).is_ok(), "{url}");
        }
    }

    #[test]
    fn what_is_no_web_address_is_refused_always() {
        for url in ["", "ftp://example.com/", "example.com/hook", "http://", "/hook", "http://a b/"] {
            assert_eq!(check_url(url, true).unwrap_err().code, a2a::error_code::INVALID_PARAMS, "{url}");
        }
    }
}
