use super::*;

fn purpose(address: &str) -> Option<&'static str> {
    reserved(address.parse().expect(address))
}

/// First and last address of what is refused, and the addresses before and behind it where those are public.
const REFUSED: [(&str, &str, &[&str]); 42] = [
    ("0.0.0.0", "0.255.255.255", &["1.0.0.0"]),
    ("10.0.0.0", "10.255.255.255", &["9.255.255.255", "11.0.0.0"]),
    ("100.64.0.0", "100.127.255.255", &["100.63.255.255", "100.128.0.0"]),
    ("100.100.100.200", "100.100.100.200", &[]),
    ("127.0.0.0", "127.255.255.255", &["126.255.255.255", "128.0.0.0"]),
    ("168.63.129.16", "168.63.129.16", &["168.63.129.15", "168.63.129.17"]),
    ("169.254.0.0", "169.254.255.255", &["169.253.255.255", "169.255.0.0"]),
    ("172.16.0.0", "172.31.255.255", &["172.15.255.255", "172.32.0.0"]),
    ("192.0.0.0", "192.0.0.255", &["191.255.255.255", "192.0.1.0"]),
    ("192.0.2.0", "192.0.2.255", &["192.0.1.255", "192.0.3.0"]),
    ("192.31.196.0", "192.31.196.255", &["192.31.195.255", "192.31.197.0"]),
    ("192.52.193.0", "192.52.193.255", &["192.52.192.255", "192.52.194.0"]),
    ("192.88.99.0", "192.88.99.255", &["192.88.98.255", "192.88.100.0"]),
    ("192.168.0.0", "192.168.255.255", &["192.167.255.255", "192.169.0.0"]),
    ("192.175.48.0", "192.175.48.255", &["192.175.47.255", "192.175.49.0"]),
    ("198.18.0.0", "198.19.255.255", &["198.17.255.255", "198.20.0.0"]),
    ("198.51.100.0", "198.51.100.255", &["198.51.99.255", "198.51.101.0"]),
    ("203.0.113.0", "203.0.113.255", &["203.0.112.255", "203.0.114.0"]),
    ("224.0.0.0", "239.255.255.255", &["223.255.255.255"]),
    ("240.0.0.0", "255.255.255.255", &[]),
    ("::", "::1", &[]),
    ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", &[]),
    ("100::", "100::ffff:ffff:ffff:ffff", &[]),
    ("100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff", &[]),
    ("::2:0:0:0", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &["2000::"]),
    ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", &["2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]),
    ("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", &[]),
    ("2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", &[]),
    ("2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", &[]),
    ("2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", &["2001:200::"]),
    (
        "2001:db8::",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        &["2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"],
    ),
    (
        "2620:4f:8000::",
        "2620:4f:8000:ffff:ffff:ffff:ffff:ffff",
        &["2620:4f:7fff:ffff:ffff:ffff:ffff:ffff", "2620:4f:8001::"],
    ),
    (
        "3fff::",
        "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
        &["3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"],
    ),
    ("4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &["3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]),
    ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &[]),
    ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &[]),
    ("fe00::", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &[]),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &[]),
    ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &[]),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &[]),
    ("fd00:ec2::23", "fd00:ec2::254", &[]),
    ("fd20:ce::254", "fd20:ce::254", &[]),
];

#[test]
fn what_is_not_public_is_refused_from_its_first_address_to_its_last_and_no_further() {
    for (first, last, public) in REFUSED {
        assert!(purpose(first).is_some(), "{first}");
        assert!(purpose(last).is_some(), "{last}");
        for address in public {
            assert_eq!(purpose(address), None, "{address}");
        }
    }
}

#[test]
fn an_ipv6_address_that_holds_an_ipv4_address_is_what_that_is() {
    let wrapped = |v4: Ipv4Addr| {
        let [a, b, c, d] = v4.octets().map(u16::from);
        let (high, low) = (a << 8 | b, c << 8 | d);
        [
            format!("::{high:x}:{low:x}"),
            format!("::ffff:{high:x}:{low:x}"),
            format!("::ffff:0:{high:x}:{low:x}"),
            format!("64:ff9b::{high:x}:{low:x}"),
            format!("2002:{high:x}:{low:x}:1:2:3:4:5"),
        ]
    };
    let v4 = |text: &str| text.parse::<Ipv4Addr>().ok();
    for (first, last, public) in REFUSED {
        for (text, refused) in
            [(first, true), (last, true)].into_iter().chain(public.iter().map(|p| (*p, false)))
        {
            for address in v4(text).into_iter().flat_map(wrapped) {
                assert_eq!(purpose(&address).is_some(), refused, "{text} as {address}");
            }
        }
    }
}

#[test]
fn nothing_is_reached_by_teredo() {
    // Server and client public, server private, client private: 65.54.227.120, 192.0.2.45, 10.0.0.1.
    for address in ["2001::4136:e378:8000:63bf:3fff:fdd2", "2001:0:a00:1::1", "2001:0:4136:e378::f5ff:fffe"] {
        assert_eq!(purpose(address), Some("Teredo"), "{address}");
    }
}

#[test]
fn metadata_services_are_named() {
    for address in [
        "169.254.169.254",
        "100.100.100.200",
        "192.0.0.192",
        "169.254.0.23",
        "169.254.42.42",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fd00:42::42",
        "fd00:100::100:200",
        "fd00:a9fe:a9fe::1",
        "fd00:c1::a9fe:a9fe",
        "fe80::a9fe:a9fe",
        "::ffff:169.254.169.254",
    ] {
        assert!(purpose(address).is_some_and(|purpose| purpose.contains("metadata")), "{address}");
    }
    assert_eq!(purpose("168.63.129.16"), Some("the wire server of Azure"));
    for address in ["169.254.170.2", "169.254.170.23"] {
        assert_eq!(purpose(address), Some("the credentials of containers on AWS"), "{address}");
    }
}

/// The last address that begins with the same bits.
fn last(range: &Range) -> IpAddr {
    match range.first {
        IpAddr::V4(first) => {
            Ipv4Addr::from_bits(first.to_bits() | u32::MAX.checked_shr(range.bits).unwrap_or(0)).into()
        }
        IpAddr::V6(first) => {
            Ipv6Addr::from_bits(first.to_bits() | u128::MAX.checked_shr(range.bits).unwrap_or(0)).into()
        }
    }
}

#[test]
fn no_row_hides_another_behind_it() {
    for range in RANGES {
        let is_met = |address| {
            RANGES.iter().find(|row| row.contains(address)).is_some_and(|row| std::ptr::eq(row, range))
        };
        assert!(is_met(range.first) || is_met(last(range)), "{}/{}", range.first, range.bits);
    }
}
