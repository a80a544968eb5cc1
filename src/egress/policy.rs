//! Which addresses outgoing calls may reach.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use ipnet::IpNet;
use url::Host;
use url::Url;

use super::Proxy;

/// An address or a name that the policy refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// The address is closed.
    #[error("outgoing calls to {address} are not allowed ({class}); open it with --egress-allow <CIDR>")]
    Address {
        /// The address refused.
        address: IpAddr,
        /// What kind of address it is.
        class: &'static str,
    },
    /// The name belongs to a network of somebody's own, and its address is not one that was opened.
    #[error("outgoing calls to {class} reach opened addresses only; open them with --egress-allow <CIDR>")]
    Name {
        /// What kind of name it is.
        class: &'static str,
    },
}

/// Public addresses, and the ranges the operator opened; and the way there.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    allow: Vec<IpNet>,
    proxy: Option<Proxy>,
}

/// Refused even inside an opened range: cloud metadata services and link-local addresses.
const ALWAYS_DENIED: [&str; 5] = [
    "169.254.0.0/16",
    "fe80::/10",
    "fd00:ec2::254/128",
    "100.100.100.200/32",
    "168.63.129.16/32",
];

/// Special-purpose ranges of the IANA registries (RFC 6890 and later), refused unless opened.
const SPECIAL: [(&str, &str); 33] = [
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared address space"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/96", "loopback or v4-compatible"),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "NAT64"),
    ("100::/64", "discard"),
    ("2001::/23", "protocol assignments"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "unique local"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
    ("fd00:ec2::254/128", "metadata service"),
    ("100.100.100.200/32", "metadata service"),
    ("168.63.129.16/32", "metadata service"),
    ("255.255.255.255/32", "broadcast"),
    ("::1/128", "loopback"),
];

impl Policy {
    /// Public addresses and these ranges.
    #[must_use]
    pub const fn new(allow: Vec<IpNet>) -> Self {
        Self { allow, proxy: None }
    }

    /// The same through a proxy, whose own address is trusted.
    #[must_use]
    pub fn through(self, proxy: Option<Proxy>) -> Self {
        Self { proxy, ..self }
    }

    pub(super) const fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// Whether an outgoing connection to this address may be made. Pure.
    ///
    /// # Errors
    /// [`Denied`] says what kind of address it is.
    pub fn permit(&self, address: IpAddr) -> Result<(), Denied> {
        let address = address.to_canonical();
        for reached in [Some(address), embedded(address)].into_iter().flatten() {
            if let Some(class) = class(reached).filter(|_| is_within(&ALWAYS_DENIED, reached)) {
                return Err(Denied::Address { address, class });
            }
        }
        if self.is_opened(address) {
            return Ok(());
        }
        class(address).map_or(Ok(()), |class| Err(Denied::Address { address, class }))
    }

    /// Judges the host of a URL as far as that goes before it is resolved.
    ///
    /// # Errors
    /// [`Denied`], for an address and for a name that nothing can be behind but closed addresses.
    pub fn permit_host(&self, url: &Url) -> Result<(), Denied> {
        match url.host() {
            Some(Host::Ipv4(address)) => self.permit(address.into()),
            Some(Host::Ipv6(address)) => self.permit(address.into()),
            // Only the URLs of HTTP have their addresses told from names.
            Some(Host::Domain(name)) => match name.parse() {
                Ok(address) => self.permit(address),
                Err(_) => self.permit_name(name),
            },
            None => Ok(()),
        }
    }

    /// Judges a name before it is resolved.
    pub(super) fn permit_name(&self, name: &str) -> Result<(), Denied> {
        if is_localhost(name) {
            return self
                .permit(Ipv4Addr::LOCALHOST.into())
                .or_else(|denied| self.permit(Ipv6Addr::LOCALHOST.into()).map_err(|_| denied));
        }
        match internal(name) {
            Some(class) if self.allow.is_empty() => Err(Denied::Name { class }),
            _ => Ok(()),
        }
    }

    fn is_opened(&self, address: IpAddr) -> bool {
        self.allow.iter().any(|range| range.contains(&address))
    }

    /// Keeps the addresses of a resolved name, or none: one refused answer condemns the name.
    /// A name of a network of one's own must have opened addresses, for a public one is somebody
    /// else's. Only `localhost`, whose answers nobody else decides, keeps its permitted ones.
    pub(super) fn permit_resolved(&self, name: &str, found: &[IpAddr]) -> Result<Vec<IpAddr>, Denied> {
        let verdicts = || {
            found
                .iter()
                .map(|address| self.permit(*address).map(|()| *address))
        };
        if is_localhost(name) {
            let permitted: Vec<_> = verdicts().filter_map(Result::ok).collect();
            if !permitted.is_empty() {
                return Ok(permitted);
            }
        }
        let permitted = verdicts().collect::<Result<Vec<_>, _>>()?;
        match internal(name) {
            Some(class) if !permitted.iter().all(|found| self.is_opened(found.to_canonical())) => {
                Err(Denied::Name { class })
            }
            _ => Ok(permitted),
        }
    }
}

/// The IPv4 address that a gateway reaches for an IPv6 one: NAT64, 6to4 and the v4-compatible form.
fn embedded(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(address) = address else { return None };
    let ([0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..]) =
        address.segments()
    else {
        return None;
    };
    Some(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)).into())
}

fn is_localhost(name: &str) -> bool {
    let name = plain(name);
    name == "localhost" || name.ends_with(".localhost")
}

/// What kind of name it is, if it means something in a network of one's own only.
fn internal(name: &str) -> Option<&'static str> {
    let name = plain(name);
    let Some((_, last)) = name.rsplit_once('.') else {
        return Some("names of one label");
    };
    match last {
        "localhost" => Some("names below .localhost"),
        "local" => Some("names below .local"),
        "internal" => Some("names below .internal"),
        _ => None,
    }
}

/// A name without the dot that ends it, in lower case.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn class(address: IpAddr) -> Option<&'static str> {
    SPECIAL
        .iter()
        .find(|(range, _)| is_within(&[range], address))
        .map(|(_, class)| *class)
}

fn is_within(ranges: &[&str], address: IpAddr) -> bool {
    ranges
        .iter()
        .filter_map(|range| range.parse::<IpNet>().ok())
        .any(|range| range.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn every_range_of_the_tables_is_a_range() {
        for range in ALWAYS_DENIED.iter().chain(SPECIAL.iter().map(|(range, _)| range)) {
            assert!(range.parse::<IpNet>().is_ok(), "{range}");
        }
    }

    /// The registries of IANA for special-purpose addresses, and what stands beside each range.
    #[test]
    fn every_special_range_is_closed_from_its_first_to_its_last_address() {
        let policy = Policy::default();
        for (range, _) in SPECIAL {
            let range: IpNet = range.parse().unwrap();
            for address in [range.network(), range.broadcast()] {
                assert!(policy.permit(address).is_err(), "{address} of {range}");
            }
        }
        for open in [
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "2001:200::",
            "2001:db7:ffff::",
            "2003::",
            "4000::",
            "5eff::",
        ] {
            assert_eq!(policy.permit(ip(open)), Ok(()), "{open}");
        }
    }

    #[test]
    fn only_public_addresses_are_open_by_default() {
        let policy = Policy::default();
        for open in ["1.1.1.1", "93.184.216.34", "2606:4700::1111"] {
            assert_eq!(policy.permit(ip(open)), Ok(()), "{open}");
        }
        for closed in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "::1",
            "::",
            "::ffff:127.0.0.2",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "fc00::1",
            "fe80::1",
            "2002:7f00:1::",
            "224.0.0.1",
            "100.64.0.1",
            "255.255.255.255",
        ] {
            assert!(policy.permit(ip(closed)).is_err(), "{closed}");
        }
    }

    #[test]
    fn an_opened_range_is_open_but_never_the_metadata_service() {
        let policy = Policy::new(vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]);
        assert_eq!(policy.permit(ip("127.0.0.1")), Ok(()));
        assert_eq!(policy.permit(ip("::ffff:10.0.0.1")), Ok(()));
        for closed in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "::a9fe:a9fe",
            "64:ff9b::6464:64c8",
        ] {
            assert!(policy.permit(ip(closed)).is_err(), "{closed}");
        }
    }

    #[test]
    fn literals_are_judged_however_they_are_written() {
        let policy = Policy::new(vec!["127.0.0.1/32".parse().unwrap()]);
        let judge = |url: &str| policy.permit_host(&Url::parse(url).unwrap()).is_ok();
        for open in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://localhost./",
            "https://example.com/",
        ] {
            assert!(judge(open), "{open}");
        }
        for closed in [
            "http://127.0.0.2/",
            "http://0x7f.2/",
            "http://[::ffff:7f00:2]/",
            "http://0/",
            "http://[::1]/",
        ] {
            assert!(!judge(closed), "{closed}");
        }
    }

    #[test]
    fn a_name_of_a_network_of_ones_own_reaches_opened_addresses_only() {
        let names = [
            "crm",
            "crm.",
            "CRM.Internal",
            "printer.local",
            "a.b.local.",
            "crm.internal",
        ];
        let (closed, open) = (
            Policy::default(),
            Policy::new(vec!["10.0.0.0/8".parse().unwrap()]),
        );
        for name in names {
            let url = Url::parse(&format!("http://{name}/")).unwrap();
            assert!(closed.permit_host(&url).is_err(), "{name}");
            assert_eq!(open.permit_host(&url), Ok(()), "{name}");
            assert_eq!(
                open.permit_resolved(name, &[ip("10.0.0.1")]),
                Ok(vec![ip("10.0.0.1")])
            );
            for others in [
                vec![ip("1.1.1.1")],
                vec![ip("10.0.0.1"), ip("1.1.1.1")],
                vec![ip("192.168.0.1")],
            ] {
                assert!(open.permit_resolved(name, &others).is_err(), "{name}: {others:?}");
            }
        }
        for name in ["app.localhost", "localhost", "LOCALHOST."] {
            let url = Url::parse(&format!("http://{name}/")).unwrap();
            assert!(
                closed.permit_host(&url).is_err() && open.permit_host(&url).is_err(),
                "{name}"
            );
        }
        for name in [
            "example.com",
            "internal.example",
            "local.example.com",
            "mylocal.example",
        ] {
            let url = Url::parse(&format!("http://{name}/")).unwrap();
            assert_eq!(closed.permit_host(&url), Ok(()), "{name}");
            assert!(closed.permit_resolved(name, &[ip("1.1.1.1")]).is_ok(), "{name}");
        }
    }

    #[test]
    fn one_refused_answer_condemns_the_name() {
        let policy = Policy::new(vec!["127.0.0.0/8".parse().unwrap()]);
        let mixed = vec![ip("1.1.1.1"), ip("10.0.0.1")];
        assert!(policy.permit_resolved("rebind.example", &mixed).is_err());
        let local = vec![ip("::1"), ip("127.0.0.1")];
        assert_eq!(
            policy.permit_resolved("localhost", &local),
            Ok(vec![ip("127.0.0.1")])
        );
    }
}
