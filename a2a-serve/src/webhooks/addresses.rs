//! Which addresses are not one machine on the public internet, and why, as one table.
//!
//! Everything in IANA's registries of special-purpose addresses (IPv4 and IPv6, RFC 6890) is in it, those that are reachable
//! from anywhere included: none is a webhook's. IPv6 is public where IANA allocates global unicast addresses, 2000::/3, only.
//! Metadata services of clouds that lie in larger ranges have rows of their own, so that nobody has to know where they lie.
//!
//! Not in it, for nobody can know them: prefixes by which a network of its own translates to IPv4 (RFC 6052, section 2.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What begins with the same bits.
struct Range {
    first: IpAddr,
    bits: u32,
    meaning: Meaning,
}

/// What an address of a range leads to.
#[derive(Clone, Copy)]
enum Meaning {
    /// Something that is not one machine on the public internet.
    Reserved(&'static str),
    /// What its IPv4 address leads to, for a gateway or the machine itself makes it of it. So many bits are behind it.
    Embeds(u32),
}

use Meaning::{Embeds, Reserved};

const fn v4([a, b, c, d]: [u8; 4], bits: u32, purpose: &'static str) -> Range {
    Range { first: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits, meaning: Reserved(purpose) }
}

const fn v6(first: u128, bits: u32, meaning: Meaning) -> Range {
    Range { first: IpAddr::V6(Ipv6Addr::from_bits(first)), bits, meaning }
}

/// The first row that holds an address counts.
static RANGES: &[Range] = &[
    v4([0, 0, 0, 0], 8, "this network"),
    v4([10, 0, 0, 0], 8, "private use"),
    v4([100, 100, 100, 200], 32, "the metadata service of Alibaba Cloud"),
    v4([100, 64, 0, 0], 10, "shared by a provider's customers"),
    v4([127, 0, 0, 0], 8, "loopback"),
    // In the middle of public addresses, and the same in every network of Azure.
    v4([168, 63, 129, 16], 32, "the wire server of Azure"),
    v4([169, 254, 0, 23], 32, "the metadata service of Tencent Cloud"),
    v4([169, 254, 42, 42], 32, "the metadata service of Scaleway"),
    // Of AWS, Google Cloud, Azure, Oracle, IBM, OpenStack, DigitalOcean, Hetzner, Vultr, and most others.
    v4([169, 254, 169, 254], 32, "a metadata service"),
    // 169.254.170.2 for tasks on ECS, 169.254.170.23 for pods on EKS.
    v4([169, 254, 170, 0], 23, "the credentials of containers on AWS"),
    v4([169, 254, 0, 0], 16, "link-local"),
    v4([172, 16, 0, 0], 12, "private use"),
    v4([192, 0, 0, 192], 32, "the metadata service of Oracle Cloud"),
    v4([192, 0, 0, 0], 24, "protocol assignments"),
    v4([192, 0, 2, 0], 24, "documentation"),
    v4([192, 31, 196, 0], 24, "an anycast sink of DNS"),
    v4([192, 52, 193, 0], 24, "anycast relays of multicast"),
    v4([192, 88, 99, 0], 24, "anycast relays of 6to4"),
    v4([192, 168, 0, 0], 16, "private use"),
    v4([192, 175, 48, 0], 24, "an anycast sink of DNS"),
    v4([198, 18, 0, 0], 15, "benchmarks"),
    v4([198, 51, 100, 0], 24, "documentation"),
    v4([203, 0, 113, 0], 24, "documentation"),
    v4([224, 0, 0, 0], 4, "multicast"),
    v4([255, 255, 255, 255], 32, "broadcast"),
    v4([240, 0, 0, 0], 4, "reserved"),
    v6(0, 128, Reserved("unspecified")),
    v6(1, 128, Reserved("loopback")),
    // Compatible, mapped, and translated (RFC 2765) addresses.
    v6(0, 96, Embeds(0)),
    v6(0xffff << 32, 96, Embeds(0)),
    v6(0xffff << 48, 96, Embeds(0)),
    // NAT64: the well-known prefix leads to public addresses only where those are; the local one is its network's.
    v6(0x0064_ff9b << 96, 96, Embeds(0)),
    v6(0x0064_ff9b_0001 << 80, 48, Reserved("NAT64 of a local network")),
    v6(0x0100 << 112, 64, Reserved("discarded")),
    v6(0x0100_0000_0000_0001 << 64, 64, Reserved("a dummy prefix")),
    // Teredo hides its client's address and names its server's: either may be private, and both are long gone.
    v6(0x2001_0000 << 96, 32, Reserved("Teredo")),
    v6(0x2001_0002_0000 << 80, 48, Reserved("benchmarks")),
    v6(0x2001_0010 << 96, 28, Reserved("hashes of keys (ORCHID)")),
    v6(0x2001_0020 << 96, 28, Reserved("hashes of keys (ORCHIDv2)")),
    // What else is assigned in it: anycast of PCP, TURN and DNS-SD, AMT, AS112, and identities of drones.
    v6(0x2001_0000 << 96, 23, Reserved("protocol assignments")),
    v6(0x2001_0db8 << 96, 32, Reserved("documentation")),
    // 6to4: sixteen bits of prefix, an IPv4 address, and what it keeps behind it.
    v6(0x2002 << 112, 16, Embeds(80)),
    v6(0x2620_004f_8000 << 80, 48, Reserved("an anycast sink of DNS")),
    v6(0x3fff_0000 << 96, 20, Reserved("documentation")),
    v6(0x5f00 << 112, 16, Reserved("segments of routes (SRv6)")),
    v6(0xfd00_0042 << 96 | 0x42, 128, Reserved("the metadata service of Scaleway")),
    v6(0xfd00_00c1 << 96 | 0xa9fe_a9fe, 128, Reserved("the metadata service of Oracle Cloud")),
    v6(0xfd00_0100 << 96 | 0x0100_0200, 128, Reserved("the metadata service of Alibaba Cloud")),
    v6(0xfd00_a9fe_a9fe << 80 | 1, 128, Reserved("the metadata service of Akamai (Linode)")),
    v6(0xfd00_0ec2 << 96, 32, Reserved("the metadata service of AWS, and what else is local there")),
    v6(0xfd20_00ce << 96 | 0x0254, 128, Reserved("the metadata service of Google Cloud")),
    v6(0xfc00 << 112, 7, Reserved("unique local")),
    v6(0xfe80 << 112 | 0xa9fe_a9fe, 128, Reserved("the metadata service of OpenStack")),
    v6(0xfe80 << 112, 10, Reserved("link-local")),
    v6(0xfec0 << 112, 10, Reserved("site-local")),
    v6(0xff00 << 112, 8, Reserved("multicast")),
    v6(0, 3, Reserved("not global unicast")),
    v6(0x4000 << 112, 2, Reserved("not global unicast")),
    v6(0x8000 << 112, 1, Reserved("not global unicast")),
];

/// Returns what an address is kept for, unless it may be one machine on the public internet.
pub(super) fn reserved(address: IpAddr) -> Option<&'static str> {
    match RANGES.iter().find(|range| range.contains(address))?.meaning {
        Reserved(purpose) => Some(purpose),
        Embeds(behind) => reserved(embedded(address, behind)),
    }
}

fn embedded(address: IpAddr, behind: u32) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        // The lower bits alone are it.
        IpAddr::V6(v6) => IpAddr::V4(Ipv4Addr::from_bits((v6.to_bits() >> behind) as u32)),
    }
}

impl Range {
    fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                (first.to_bits() ^ address.to_bits()).leading_zeros() >= self.bits
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                (first.to_bits() ^ address.to_bits()).leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
