//! JSON pointers in the fragments of references.

use percent_encoding::percent_decode_str;

/// The tokens of a pointer in a fragment, without its leading slash; none if it is not UTF-8.
pub(super) fn tokens(fragment: &str) -> Option<Vec<String>> {
    let text = decoded(fragment)?;
    Some(text.split('/').map(unescaped).collect())
}

/// A fragment without its percent signs.
pub(super) fn decoded(fragment: &str) -> Option<String> {
    let text = percent_decode_str(fragment).decode_utf8().ok()?;
    Some(text.into_owned())
}

/// The number of an array element.
pub(super) fn index(token: &str) -> Option<usize> {
    let is_plain =
        token.bytes().all(|byte| byte.is_ascii_digit()) && (token == "0" || !token.starts_with('0'));
    token.parse().ok().filter(|_| is_plain)
}

fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}
