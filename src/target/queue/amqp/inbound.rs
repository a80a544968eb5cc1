//! What comes from a broker, held back until each frame is whole and harmless.
//!
//! The client reads tables within tables step by step on its stack, as deep as they go; some
//! thousand steps, which fit into one frame, end the whole process. Deeper than any broker needs is
//! deep enough to hang up.

use std::io;

use bytes::Buf as _;
use bytes::BytesMut;

/// Largest payload of a frame, in bytes: what we ask for when the limits are agreed on.
pub(super) const FRAME_MAX: u32 = 128 * 1024;
/// Most tables and lists within one another. `RabbitMQ` needs two.
const DEPTH: usize = 32;
/// Type, channel and length stand before the payload of a frame; a mark stands behind it.
const HEAD: usize = 7;
const AROUND: usize = HEAD + 1;

/// Bytes that have come.
#[derive(Default)]
pub(super) struct Inbound {
    come: BytesMut,
    /// So many of them are whole frames that were looked at.
    checked: usize,
}

impl Inbound {
    /// Adds what has come.
    ///
    /// # Errors
    /// It is no frame, or no harmless one.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.come.extend_from_slice(bytes);
        while let Some(len) = whole(self.come.get(self.checked..).unwrap_or_default())? {
            self.checked += len;
        }
        Ok(())
    }

    /// Moves to the front of `buffer` what may be read, and says how much that is.
    pub(super) fn take(&mut self, buffer: &mut [u8]) -> usize {
        let len = self.checked.min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..len), self.come.get(..len)) {
            to.copy_from_slice(from);
        }
        self.come.advance(len);
        self.checked -= len;
        len
    }
}

/// The length of the first frame, if it is whole.
fn whole(come: &[u8]) -> io::Result<Option<usize>> {
    let Some(&[kind, _, _, l0, l1, l2, l3]) = come.first_chunk::<HEAD>() else {
        return Ok(None);
    };
    let len = u32::from_be_bytes([l0, l1, l2, l3]);
    if !matches!(kind, 1 | 2 | 3 | 8) || len > FRAME_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let len = usize::try_from(len).map_err(|_| io::ErrorKind::InvalidData)?;
    let Some(payload) = come.get(HEAD..).filter(|rest| rest.len() > len) else {
        return Ok(None);
    };
    // Bodies hold no tables.
    if kind != 3 && is_deep(payload.get(..len).unwrap_or_default()) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Some(len + AROUND))
}

/// Whether more tables or lists may stand within one another than are allowed. Looks at everything
/// that could be one, wherever it stands: too many suspects are possible, too few are not.
fn is_deep(payload: &[u8]) -> bool {
    let mut ends: Vec<usize> = Vec::with_capacity(DEPTH + 1);
    for (at, window) in payload.windows(5).enumerate() {
        let &[b'A' | b'F', l0, l1, l2, l3] = window else {
            continue;
        };
        let len = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
        let end = (at + 5).saturating_add(len);
        if end > payload.len() {
            continue;
        }
        ends.retain(|end| *end > at);
        ends.push(end);
        if ends.len() > DEPTH {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&[kind, 0, 0][..], &len, payload, b"\xce"].concat()
    }

    fn nested(depth: u32) -> Vec<u8> {
        let level = |level: u32| [&b"A"[..], &(level * 5).to_be_bytes()].concat();
        (0..depth).rev().flat_map(level).collect()
    }

    #[test]
    fn whole_frames_pass_unchanged_however_they_come() {
        let frames = [
            frame(1, b"method"),
            frame(3, &nested(40)),
            frame(8, b""),
            frame(2, &nested(20)),
        ];
        let stream = frames.concat();
        let (mut inbound, mut read, mut buffer) = (Inbound::default(), Vec::new(), [0; 5]);
        for byte in &stream {
            inbound.push(&[*byte]).unwrap();
            let len = inbound.take(&mut buffer);
            read.extend_from_slice(&buffer[..len]);
        }
        while let len @ 1.. = inbound.take(&mut buffer) {
            read.extend_from_slice(&buffer[..len]);
        }
        assert_eq!(read, stream);
    }

    #[test]
    fn what_is_no_frame_or_too_deep_is_refused() {
        for wrong in [
            b"HTTP/1.1".to_vec(),
            b"AMQP\0\0\x09\x01".to_vec(),
            b"\x01\0\0\x7f\xff\xff\xff".to_vec(),
            frame(1, &nested(33)),
            frame(2, &nested(20_000)),
        ] {
            assert!(Inbound::default().push(&wrong).is_err());
        }
    }

    proptest! {
        /// Nothing within a payload hides a nesting that the client would follow.
        #[test]
        fn nesting_is_seen_behind_anything(before in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(is_deep(&[before, nested(33)].concat()));
        }
    }
}
