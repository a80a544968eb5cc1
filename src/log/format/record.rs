//! What every record begins with: kind, version, flags, length and extensions.

use super::Refused;
use super::input::Input;
use super::{VERSION, stored_len};
use bytes::BufMut;

/// Bytes of the head; the extensions follow it.
pub(crate) const HEAD_LEN: usize = 16;

/// Record kind of an event.
pub(crate) const EVENT: u8 = 1;

/// Record kind of a state change.
pub(crate) const STATE: u8 = 2;

/// Writes the head of a record of `len` bytes, head included, padding not.
pub(crate) fn put_head(out: &mut impl BufMut, kind: u8, len: usize) {
    out.put_u8(kind);
    out.put_u8(VERSION);
    out.put_u16_le(0); // flags: codec (4 bits), encrypted, erased: all reserved
    out.put_u32_le(stored_len(len));
    out.put_u32_le(0); // no extensions
    out.put_u32_le(0); // reserved
}

/// Opens a record: checks head, padding and extensions, and returns what follows them.
///
/// Unknown extensions of an even type are skipped, of an odd type refused. `bytes` is the
/// record with its padding; its checksum has been verified.
pub(crate) fn open(bytes: &[u8], kind: u8) -> Result<Input<'_>, Refused> {
    const SHORT: Refused = Refused::Malformed("record is short");
    let mut input = Input::new(bytes);
    if input.u8().ok_or(SHORT)? != kind {
        return Err(Refused::Malformed("record is of another kind than its place"));
    }
    if input.u8().ok_or(SHORT)? != VERSION {
        return Err(Refused::Unsupported("record version"));
    }
    if input.u16().ok_or(SHORT)? != 0 {
        return Err(Refused::Unsupported(
            "record flags (compressed, encrypted or erased data)",
        ));
    }
    let len = input.len().ok_or(SHORT)?;
    let (record, padding) = bytes
        .split_at_checked(len)
        .ok_or(Refused::Malformed("record overruns its place"))?;
    if padding.len() >= 8 || padding.iter().any(|byte| *byte != 0) {
        return Err(Refused::Malformed("record padding"));
    }
    let mut input = Input::new(record);
    input.take(8).ok_or(SHORT)?;
    let extensions = input.len().ok_or(SHORT)?;
    if input.u32().ok_or(SHORT)? != 0 {
        return Err(Refused::Unsupported("record head"));
    }
    check_extensions(input.take(extensions).ok_or(SHORT)?)?;
    Ok(input)
}

fn check_extensions(bytes: &[u8]) -> Result<(), Refused> {
    const SHORT: Refused = Refused::Malformed("record extension is short");
    let mut input = Input::new(bytes);
    while !input.rest().is_empty() {
        let number = input.u16().ok_or(SHORT)?;
        let len = input.u16().ok_or(SHORT)?;
        input.take(usize::from(len)).ok_or(SHORT)?;
        if number % 2 == 1 {
            return Err(Refused::Unsupported("record extension"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(extensions: &[u8]) -> Vec<u8> {
        let len = HEAD_LEN + extensions.len() + 8;
        let mut out = Vec::new();
        out.put_u8(EVENT);
        out.put_u8(VERSION);
        out.put_u16_le(0);
        out.put_u32_le(stored_len(len));
        out.put_u32_le(stored_len(extensions.len()));
        out.put_u32_le(0);
        out.put_slice(extensions);
        out.put_u64_le(42);
        out
    }

    #[test]
    fn unknown_even_extensions_are_skipped_and_odd_ones_refused() {
        let even = record(&[2, 0, 4, 0, 1, 2, 3, 4]);
        assert_eq!(open(&even, EVENT).unwrap().u64(), Some(42));
        let odd = record(&[3, 0, 4, 0, 1, 2, 3, 4]);
        assert!(matches!(open(&odd, EVENT), Err(Refused::Unsupported(_))));
        let short = record(&[2, 0, 5, 0, 1, 2, 3, 4]);
        assert!(matches!(open(&short, EVENT), Err(Refused::Malformed(_))));
    }

    #[test]
    fn compressed_encrypted_or_erased_data_is_refused_for_now() {
        for flags in [1, 1 << 4, 1 << 5, 1 << 15] {
            let mut bytes = record(&[]);
            bytes[2..4].copy_from_slice(&u16::to_le_bytes(flags));
            assert!(matches!(open(&bytes, EVENT), Err(Refused::Unsupported(_))));
        }
    }
}
