//! Percent-encoding of attribute values in HTTP headers (HTTP binding 1.0.2, 3.1.3.2).

/// Encodes a value for a header: everything outside `U+0021..=U+007E`, and `"` and `%`, as UTF-8 bytes.
pub(super) fn encode(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, '\u{21}'..='\u{7e}') && c != '"' && c != '%' {
            out.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            out.push('%');
            out.extend([byte >> 4, byte & 0xf].into_iter().filter_map(hex_digit));
        }
    }
    out
}

/// Decodes a header value: a quoted string is unquoted first, then exactly one round of decoding.
///
/// `None` when an escape is malformed, a raw byte is not visible ASCII, space or tab, or the
/// result is not UTF-8.
pub(super) fn decode(raw: &[u8]) -> Option<String> {
    if !raw.iter().all(|byte| matches!(byte, 0x20..=0x7e | b'\t')) {
        return None;
    }
    let unquoted = match raw {
        [b'"', inner @ .., b'"'] => unquote(inner)?,
        other => other.to_vec(),
    };
    let mut out = Vec::with_capacity(unquoted.len());
    let mut rest = unquoted.as_slice();
    while let Some((&first, tail)) = rest.split_first() {
        if first != b'%' {
            out.push(first);
            rest = tail;
            continue;
        }
        let [high, low, tail @ ..] = tail else { return None };
        out.push(hex(*high)? << 4 | hex(*low)?);
        rest = tail;
    }
    String::from_utf8(out).ok()
}

fn unquote(inner: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' => out.push(*bytes.next()?),
            b'"' => return None,
            other => out.push(other),
        }
    }
    Some(out)
}

fn hex_digit(nibble: u8) -> Option<char> {
    char::from_digit(u32::from(nibble), 16).map(|digit| digit.to_ascii_uppercase())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_binding_hold() {
        assert_eq!(encode("Euro € 😀"), "Euro%20%E2%82%AC%20%F0%9F%98%80");
        assert_eq!(encode("50% \"x\""), "50%25%20%22x%22");
        assert_eq!(encode("/a:b?c=d&e+f,g;"), "/a:b?c=d&e+f,g;");
    }

    #[test]
    fn decoding_is_one_round_and_strict() {
        let decoded = |raw: &[u8]| decode(raw);
        assert_eq!(decoded(b"%2541").as_deref(), Some("%41"));
        assert_eq!(decoded(br#""a \"b\" c""#).as_deref(), Some("a \"b\" c"));
        assert_eq!(decoded(b"%e2%82%ac").as_deref(), Some("€"));
        for bad in [
            &b"%C0%A0"[..],
            b"%ED%A0%80",
            b"%zz",
            b"%4",
            b"%",
            b"caf\xe9",
            "€".as_bytes(),
            br#""a"b""#,
        ] {
            assert_eq!(decoded(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(value in "\\PC*") {
            prop_assert_eq!(decode(encode(&value).as_bytes()), Some(value));
        }
    }
}
