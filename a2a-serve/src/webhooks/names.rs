//! Which names lead to a private network or to a metadata service, and why, as one table.

/// Zones, with all names in them.
const ZONES: [(&str, &str); 10] = [
    // RFC 6761, 6762 and 8375; what many systems call themselves; and what ICANN has set aside for private use, in which are
    // `metadata.google.internal` and `instance-data.ec2.internal`.
    ("localhost", "loopback"),
    ("local", "a local network"),
    ("home.arpa", "a local network"),
    ("localdomain", "a local network"),
    ("internal", "a private network"),
    // In public zones, though their addresses mostly are not.
    ("metadata.goog", "the metadata service of Google Cloud"),
    ("metadata.azure.com", "the metadata service of Azure"),
    ("metadata.tencentyun.com", "the metadata service of Tencent Cloud"),
    ("metadata.packet.net", "the metadata service of Equinix"),
    ("metadata.platformequinix.com", "the metadata service of Equinix"),
];

/// Returns where a name in lower case leads, unless it may lead to the public internet.
pub(super) fn reserved(name: &str) -> Option<&'static str> {
    let is_in =
        |zone: &str| name.strip_suffix(zone).is_some_and(|left| left.is_empty() || left.ends_with('.'));
    let zone = ZONES.iter().find(|(zone, _)| is_in(zone)).map(|(_, why)| *why);
    // `metadata`, `instance-data`, `rancher-metadata`: no host of the public internet is called by one label, and what a resolver
    // adds to it is a private network's.
    zone.or_else(|| (!name.contains('.')).then_some("a private network"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_private_networks_and_metadata_services_are_refused() {
        for name in [
            "localhost",
            "a.localhost",
            "printer.local",
            "kubernetes.default.svc.cluster.local",
            "router.home.arpa",
            "host.localdomain",
            "metadata",
            "instance-data",
            "rancher-metadata",
            "instance-data.ec2.internal",
            "ip-10-0-0-1.eu-west-1.compute.internal",
            "metadata.google.internal",
            "metadata.goog",
            "metadata.azure.com",
            "metadata.tencentyun.com",
            "metadata.packet.net",
            "metadata.platformequinix.com",
        ] {
            assert!(reserved(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_name_that_only_looks_like_one_is_not() {
        for name in
            ["example.com", "mylocalhost.com", "notmetadata.goog", "internal.example.com", "a.b.local.io"]
        {
            assert_eq!(reserved(name), None, "{name}");
        }
    }
}
