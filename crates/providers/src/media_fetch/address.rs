//! Which addresses and names media may never be fetched from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether addresses of this machine are allowed. Every other inner address is always refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    /// Set by the operator for the emulator, whose media are on loopback.
    pub allow_loopback: bool,
}

/// An IPv4 network, how long its prefix is, and what it is for.
type Network = (Ipv4Addr, u32, &'static str);

/// Networks that are not on the public internet (IANA's special-purpose registry).
const INNER_NETWORKS: &[Network] = &[
    (Ipv4Addr::UNSPECIFIED, 8, "this network"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "a private network"),
    // Cloud metadata of some vendors is here too.
    (Ipv4Addr::new(100, 64, 0, 0), 10, "a carrier's network"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "this machine"),
    (
        Ipv4Addr::new(169, 254, 0, 0),
        16,
        "link-local, where clouds keep metadata",
    ),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "a private network"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "reserved"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "for documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "a retired relay"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "a private network"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "for benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "for documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "for documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
];

/// Endings of names that belong to a machine or a local network.
const INNER_NAMES: &[&str] = &[
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "home.arpa",
];

impl AddressPolicy {
    /// Returns what an address is for when it may not be called; none when it may.
    pub fn refuses(self, address: IpAddr) -> Option<&'static str> {
        let inner = match address {
            IpAddr::V4(address) => inner_v4(address),
            IpAddr::V6(address) => inner_v6(address),
        };
        inner.filter(|_| !(self.allow_loopback && is_loopback(address)))
    }

    /// Says whether a name may not even be looked up: it has no dot, or it belongs to a local network.
    pub fn refuses_name(self, name: &str) -> bool {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if self.allow_loopback && name == "localhost" {
            return false;
        }
        let is_below = |inner: &str| {
            name.strip_suffix(inner)
                .is_some_and(|head| head.is_empty() || head.ends_with('.'))
        };
        !name.contains('.') || INNER_NAMES.iter().any(|inner| is_below(inner))
    }
}

fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback(),
        IpAddr::V6(address) => address.is_loopback(),
    }
}

fn inner_v4(address: Ipv4Addr) -> Option<&'static str> {
    let bits = u32::from(address);
    let holds = |(network, length, _): &&Network| {
        let mask = u32::MAX << (32 - length);
        bits & mask == u32::from(*network)
    };
    INNER_NETWORKS.iter().find(holds).map(|(_, _, name)| *name)
}

fn inner_v6(address: Ipv6Addr) -> Option<&'static str> {
    if address.is_unspecified() {
        return Some("this network");
    }
    if address.is_loopback() {
        return Some("this machine");
    }
    // An IPv6 address that stands for an IPv4 one is as good as that one.
    if let Some(inside) = embedded_v4(address) {
        return inner_v4(inside);
    }
    match address.segments() {
        [first, ..] if first & 0xfe00 == 0xfc00 => Some("a private network"),
        [first, ..] if first & 0xffc0 == 0xfe80 => Some("link-local"),
        [first, ..] if first & 0xffc0 == 0xfec0 => Some("a private network"),
        [first, ..] if first & 0xff00 == 0xff00 => Some("multicast"),
        [0x2001, 0x0db8, ..] | [0x3fff, ..] => Some("for documentation"),
        // Teredo hides an IPv4 address; a translator's local prefix can be anything.
        [0x2001, 0, ..] | [0x64, 0xff9b, 1, ..] => Some("a tunnel"),
        // Whatever is not global unicast (2000::/3).
        [first, ..] if first & 0xe000 != 0x2000 => Some("reserved"),
        _ => None,
    }
}

/// Returns the IPv4 address inside a mapped, compatible, translated (RFC 6052) or 6to4 address.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let joined = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(joined(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> bool {
        AddressPolicy::default()
            .refuses(text.parse().unwrap())
            .is_some()
    }

    #[test]
    fn inner_addresses_are_refused_in_every_spelling() {
        for inner in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "224.0.0.1",
            "239.255.255.255",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2001::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "100::1",
        ] {
            assert!(refused(inner), "{inner}");
        }
        for public in [
            "8.8.8.8",
            "47.88.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.255.255",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(!refused(public), "{public}");
        }
    }

    #[test]
    fn an_operator_can_allow_this_machine_and_nothing_else() {
        let policy = AddressPolicy {
            allow_loopback: true,
        };
        let refused = |text: &str| policy.refuses(text.parse().unwrap()).is_some();
        assert!(!refused("127.0.0.1") && !refused("::1"));
        assert!(refused("::ffff:127.0.0.1") && refused("10.0.0.1") && refused("0.0.0.0"));
        assert!(!policy.refuses_name("localhost"));
        assert!(AddressPolicy::default().refuses_name("localhost"));
    }

    #[test]
    fn local_names_are_not_looked_up() {
        let refused = |name: &str| AddressPolicy::default().refuses_name(name);
        for inner in [
            "localhost",
            "LOCALHOST",
            "a.localhost",
            "localhost.",
            "metadata.google.internal",
            "printer.local",
            "router.lan",
            "nas.home.arpa",
            "metadata",
            "intranet",
        ] {
            assert!(refused(inner), "{inner}");
        }
        for public in [
            "example.com",
            "notlocalhost.com",
            "local.example.com",
            "mylocal.org",
        ] {
            assert!(!refused(public), "{public}");
        }
    }
}
