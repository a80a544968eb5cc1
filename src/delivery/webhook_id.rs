//! The identity of a delivery as its target sees it.

use sha2::Digest as _;
use sha2::Sha256;
use uuid::Uuid;

use crate::log::BusId;
use crate::log::RouteId;

/// `msg_` and 128 bits of SHA-256 over log, bus, sequence, route and replay number, in base32.
///
/// The same over attempts, restarts and redrives; another for every route and every replay
/// (number 0 is the first time the event goes over the route). Receivers drop repeats by it.
pub(super) fn webhook_id(log: Uuid, bus: BusId, sequence: u64, route: RouteId, replay: u64) -> String {
    let digest = Sha256::new()
        .chain_update(log.as_bytes())
        .chain_update(bus.0.to_le_bytes())
        .chain_update(sequence.to_le_bytes())
        .chain_update(route.0.to_le_bytes())
        .chain_update(replay.to_le_bytes())
        .finalize();
    format!("msg_{}", base32(digest.get(..16).unwrap_or_default()))
}

/// RFC 4648 base32 in lower case, without padding.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.extend(digit(ALPHABET, held >> bits));
        }
    }
    if bits > 0 {
        out.extend(digit(ALPHABET, held << (5 - bits)));
    }
    out
}

fn digit(alphabet: &[u8; 32], value: u32) -> Option<char> {
    usize::try_from(value & 31)
        .ok()
        .and_then(|place| alphabet.get(place))
        .map(|byte| char::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_the_rfc() {
        assert_eq!(base32(b"foobar"), "mzxw6ytboi");
        assert_eq!(base32(b"f"), "my");
    }

    #[test]
    fn an_id_is_stable_and_differs_by_each_part() {
        let log = Uuid::from_u128(1);
        let id = |bus, sequence, route, replay| webhook_id(log, BusId(bus), sequence, RouteId(route), replay);
        assert_eq!(id(1, 2, 3, 0), id(1, 2, 3, 0));
        let all = [
            id(1, 2, 3, 0),
            id(2, 2, 3, 0),
            id(1, 3, 3, 0),
            id(1, 2, 4, 0),
            id(1, 2, 3, 1),
        ];
        assert!(
            all.iter()
                .all(|one| all.iter().filter(|other| *other == one).count() == 1)
        );
        assert!(id(1, 2, 3, 0).starts_with("msg_") && !id(1, 2, 3, 0).contains('.'));
    }
}
