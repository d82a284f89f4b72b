//! Which addresses this server may connect to: those of the public internet, and no other.
//!
//! In version 4 the special ranges are listed; in version 6 only the one block that is routed is allowed, and its
//! special parts are listed. So an address that embeds another (mapped, NAT64, 6to4, Teredo, ISATAP) is refused,
//! whatever it embeds.
//!
//! Spec: <https://www.iana.org/assignments/iana-ipv4-special-registry>,
//! <https://www.iana.org/assignments/iana-ipv6-special-registry>

use ipnet::{Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const fn v4(a: u8, b: u8, c: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), prefix)
}

const fn v6(a: u16, b: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), prefix)
}

const SPECIAL_V4: [Ipv4Net; 15] = [
    v4(0, 0, 0, 8),       // this network
    v4(10, 0, 0, 8),      // private
    v4(100, 64, 0, 10),   // shared by carriers
    v4(127, 0, 0, 8),     // loopback
    v4(169, 254, 0, 16),  // link-local, metadata services
    v4(172, 16, 0, 12),   // private
    v4(192, 0, 0, 24),    // protocol assignments
    v4(192, 0, 2, 24),    // documentation
    v4(192, 88, 99, 24),  // 6to4 relays
    v4(192, 168, 0, 16),  // private
    v4(198, 18, 0, 15),   // benchmarking
    v4(198, 51, 100, 24), // documentation
    v4(203, 0, 113, 24),  // documentation
    v4(224, 0, 0, 4),     // multicast
    v4(240, 0, 0, 4),     // reserved, broadcast
];

const ROUTED_V6: Ipv6Net = v6(0x2000, 0, 3);

const SPECIAL_V6: [Ipv6Net; 5] = [
    v6(0x2001, 0, 23),     // protocol assignments: Teredo, benchmarking, ORCHID
    v6(0x2001, 0xdb8, 32), // documentation
    v6(0x2002, 0, 16),     // 6to4
    v6(0x3ffe, 0, 16),     // 6bone
    v6(0x3fff, 0, 20),     // documentation
];

/// Where the machines of hosting providers get credentials, without asking for any.
const METADATA: [IpAddr; 7] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    // Of the public internet by its number, but not by what answers there.
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// Blocks of addresses that hold a version 4 address: compatible, mapped, translated, NAT64, Teredo, 6to4.
const EMBEDDING: [Ipv6Net; 6] = [
    v6(0, 0, 64),
    Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96),
    v6(0x64, 0xff9b, 32),
    v6(0x2001, 0, 32),
    v6(0x2002, 0, 16),
    v6(0x3ffe, 0x831f, 32),
];

/// Whether credentials are handed out there to whoever asks, at one of the large hosting providers.
pub fn is_metadata(address: IpAddr) -> bool {
    METADATA.contains(&address)
}

/// Whether an address holds another one.
pub(crate) fn embeds(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) | IpAddr::V6(Ipv6Addr::LOCALHOST) => false,
        IpAddr::V6(address) => EMBEDDING.iter().any(|net| net.contains(&address)) || isatap(address),
    }
}

/// Whether an address is a unicast address of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    if is_metadata(address) {
        return false;
    }
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => {
            ROUTED_V6.contains(&address) && !SPECIAL_V6.iter().any(|net| net.contains(&address)) && !isatap(address)
        }
    }
}

/// Whether an address is this machine's own, as itself and not inside another kind of address.
pub fn is_loopback(address: IpAddr) -> bool {
    address.is_loopback()
}

/// An interface identifier that embeds a version 4 address (RFC 5214 §6.1).
fn isatap(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    matches!(segments[4], 0 | 0x200) && segments[5] == 0x5efe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_special_range_ends_where_the_public_internet_begins() {
        for (outside, inside) in [
            ("1.0.0.0", "0.255.255.255"),
            ("9.255.255.255", "10.0.0.0"),
            ("11.0.0.0", "10.255.255.255"),
            ("100.63.255.255", "100.64.0.0"),
            ("100.128.0.0", "100.127.255.255"),
            ("126.255.255.255", "127.0.0.0"),
            ("128.0.0.0", "127.255.255.255"),
            ("169.253.255.255", "169.254.0.0"),
            ("169.255.0.0", "169.254.255.255"),
            ("172.15.255.255", "172.16.0.0"),
            ("172.32.0.0", "172.31.255.255"),
            ("192.0.1.0", "192.0.0.255"),
            ("192.0.3.0", "192.0.2.255"),
            ("192.88.98.255", "192.88.99.0"),
            ("192.167.255.255", "192.168.0.0"),
            ("192.169.0.0", "192.168.255.255"),
            ("198.17.255.255", "198.18.0.0"),
            ("198.20.0.0", "198.19.255.255"),
            ("198.51.99.255", "198.51.100.0"),
            ("203.0.114.0", "203.0.113.255"),
            ("223.255.255.255", "224.0.0.0"),
            ("8.8.8.8", "255.255.255.255"),
            ("2000::", "1fff:ffff::"),
            ("2001:200::", "2001:1ff:ffff::"),
            ("2001:db9::", "2001:db8:ffff::"),
            ("2001:db7:ffff::", "2001:db8::"),
            ("2003::", "2002:ffff::"),
            ("3ffd::", "3ffe::1"),
            ("3fff:1000::", "3fff:fff::"),
            ("2606:4700::1", "4000::"),
        ] {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
    }

    #[test]
    fn addresses_that_embed_addresses_are_refused() {
        for address in [
            "::",
            "::1",
            "::8.8.8.8",
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::a00:1",
            "2002:7f00:1::",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2606:4700::5efe:127.0.0.1",
            "2606:4700::200:5efe:10.0.0.1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        assert!(!is_loopback("::ffff:127.0.0.1".parse().unwrap()));
    }
}
