//! Where a JSON value ends, found eight bytes at a time.

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The place after the string whose opening quote is at `start`, and whether a backslash is in it.
pub(super) fn string_end(text: &[u8], start: usize) -> Option<(usize, bool)> {
    let mut at = start + 1;
    let mut escaped = false;
    loop {
        at = find(
            text,
            at,
            |eight| equal(eight, b'"') | equal(eight, b'\\'),
            |byte| byte == b'"' || byte == b'\\',
        )?;
        if text.get(at) == Some(&b'"') {
            return Some((at + 1, escaped));
        }
        escaped = true;
        at += 2;
    }
}

/// The place after the value that begins at `start`, which is no white space.
///
/// Brackets are counted, not paired: of malformed text any place may be told.
pub(super) fn value_end(text: &[u8], start: usize) -> Option<usize> {
    match text.get(start)? {
        b'"' => string_end(text, start).map(|(end, _)| end),
        b'{' | b'[' => container_end(text, start + 1),
        _ => {
            let rest = text.get(start..)?;
            let outside = |b: &u8| matches!(b, b',' | b'}' | b']' | b':' | b'"' | b'{' | b'[') || *b <= b' ';
            let len = rest.iter().position(outside).unwrap_or(rest.len());
            (len > 0).then_some(start + len)
        }
    }
}

fn container_end(text: &[u8], mut at: usize) -> Option<usize> {
    /// Makes one of a bracket and its brace; nothing else that JSON allows outside strings becomes
    /// one of the bytes looked for.
    const BRACE: u64 = 0x20 * LOW;
    let mut open = 1_usize;
    loop {
        at = find(
            text,
            at,
            |eight| {
                let braces = eight | BRACE;
                equal(eight, b'"') | equal(braces, b'{') | equal(braces, b'}')
            },
            |byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'),
        )?;
        match text.get(at)? {
            b'"' => {
                (at, _) = string_end(text, at)?;
                continue;
            }
            b'{' | b'[' => open += 1,
            b'}' | b']' => open -= 1,
            _ => {}
        }
        at += 1;
        if open == 0 {
            return Some(at);
        }
    }
}

/// The first place from `at` on that `marks`, or for the last few bytes `is`, points out.
fn find(text: &[u8], mut at: usize, marks: impl Fn(u64) -> u64, is: impl Fn(u8) -> bool) -> Option<usize> {
    while let Some(eight) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let marked = marks(u64::from_le_bytes(*eight));
        if marked != 0 {
            return Some(at + (marked.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    let rest = text.get(at..)?;
    rest.iter().position(|&byte| is(byte)).map(|index| at + index)
}

/// Marks bytes equal to `byte` with their high bit; what is above the lowest mark may be wrong.
fn equal(eight: u64, byte: u8) -> u64 {
    let zero_where_equal = eight ^ (u64::from(byte) * LOW);
    zero_where_equal.wrapping_sub(LOW) & !zero_where_equal & HIGH
}
