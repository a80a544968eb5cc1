//! IP addresses in strings: networks, and addresses in several spellings.
//!
//! The families stay apart: `::ffff:10.0.0.1` is an IPv6 address and in no IPv4 network.

use std::fmt;
use std::net::IpAddr;

/// The address that a string spells, if it spells one.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    /// `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`, the longest spelling.
    const MAX_LEN: usize = 45;
    let may_be = text.len() <= MAX_LEN && text.bytes().any(|b| b == b'.' || b == b':');
    may_be.then(|| text.parse().ok()).flatten()
}

/// The addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Network {
    first: IpAddr,
    len: u32,
}

impl Network {
    /// Reads `address/length`; bits of the address beyond the length are ignored.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, len) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let is_plain = !len.is_empty() && len.len() <= 3 && len.bytes().all(|b| b.is_ascii_digit());
        let len = is_plain.then(|| len.parse().ok()).flatten()?;
        Some(Self {
            first: masked(address, len)?,
            len,
        })
    }

    /// The length of the shared beginning, in bits.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// The first address.
    pub(super) fn first(&self) -> IpAddr {
        self.first
    }

    /// Whether the address lies in the network.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        masked(address, self.len) == Some(self.first) && address.is_ipv4() == self.first.is_ipv4()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.len)
    }
}

/// The address without its bits from the given one on; `None` if it has not so many.
pub(super) fn masked(address: IpAddr, len: u32) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => {
            let host = 32_u32.checked_sub(len)?;
            let mask = u32::MAX.checked_shl(host).unwrap_or(0);
            Some(IpAddr::V4((u32::from(v4) & mask).into()))
        }
        IpAddr::V6(v6) => {
            let host = 128_u32.checked_sub(len)?;
            let mask = u128::MAX.checked_shl(host).unwrap_or(0);
            Some(IpAddr::V6((u128::from(v6) & mask).into()))
        }
    }
}
