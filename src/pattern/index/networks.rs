//! Which of many networks an address lies in.

use std::net::IpAddr;

use super::super::address::Network;
use super::super::address::masked;
use super::super::words::Map;
use super::Target;

/// Networks by their first address and length.
#[derive(Debug, Default)]
pub(super) struct Networks {
    networks: Map<(IpAddr, u32), Target>,
    /// The lengths there are, each once.
    lengths: Vec<u32>,
}

impl Networks {
    /// Takes networks, none twice.
    pub(super) fn new(networks: Vec<(Network, Target)>) -> Self {
        let mut lengths: Vec<_> = networks.iter().map(|(network, _)| network.len()).collect();
        lengths.sort_unstable();
        lengths.dedup();
        let entry = |(network, target): (Network, Target)| ((network.first(), network.len()), target);
        Self {
            networks: networks.into_iter().map(entry).collect(),
            lengths,
        }
    }

    /// Gives the targets of the networks that `address` lies in.
    pub(super) fn find(&self, address: IpAddr, mut give: impl FnMut(Target)) {
        for &len in &self.lengths {
            let Some(first) = masked(address, len) else {
                return;
            };
            if let Some(&target) = self.networks.get(&(first, len)) {
                give(target);
            }
        }
    }
}
