//! Custom headers of a webhook: which may be set, and with what.

use http::HeaderName;
use http::HeaderValue;
use serde_json::Value;

use crate::catalog::decode;
use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::issue::Issue;

/// Headers that frame the call or carry the event; setting one would break either.
const RESERVED: &[&str] = &[
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "te",
    "trailer",
    "upgrade",
    "content-type",
];
/// `tramline-hops` stops loops, so nobody may reset it.
const RESERVED_PREFIXES: &[&str] = &["webhook-", "ce-", "tramline-"];

/// Most custom headers: common servers stop at 100 in all.
const MAX_HEADERS: usize = 50;
/// Longest value: common servers stop at 8 KiB for all headers together.
const MAX_VALUE_LEN: usize = 4_096;

/// Reads `headers: {name: value}`; names come out in lower case.
pub(super) fn decode(value: &Value, pointer: &str, issues: &mut Issues) -> Option<Vec<(String, String)>> {
    Fields::of(value, pointer, "`headers`", issues)?;
    let object = value.as_object()?;
    if object.len() > MAX_HEADERS {
        let detail = format!("a webhook has at most {MAX_HEADERS} headers");
        issues.push(Issue::new(pointer, "invalid-header", detail));
    }
    let mut headers: Vec<(String, String)> = Vec::new();
    for (key, value) in object {
        let at = decode::join(pointer, key);
        let Some(text) = decode::text(value, &at, key, issues) else {
            continue;
        };
        match check(key, text) {
            Ok(name) if headers.iter().any(|(other, _)| *other == name) => {
                let detail = format!("the header `{name}` is there twice, in different case");
                issues.push(Issue::new(at, "invalid-header", detail));
            }
            Ok(name) => headers.push((name, text.to_owned())),
            Err(reason) => issues.push(Issue::new(at, "invalid-header", reason)),
        }
    }
    Some(headers)
}

/// The name in lower case, or why the header may not be set. The reason never repeats the value.
pub(in crate::catalog) fn check(key: &str, value: &str) -> Result<String, String> {
    let name = HeaderName::from_bytes(key.as_bytes())
        .map_err(|_| format!("{key:?} is not the name of a header"))?
        .as_str()
        .to_owned();
    if RESERVED.contains(&name.as_str()) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(format!("`{name}` is set by the call itself"));
    }
    if value.len() > MAX_VALUE_LEN {
        return Err(format!(
            "the value of `{name}` is longer than {MAX_VALUE_LEN} bytes"
        ));
    }
    HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| format!("the value of `{name}` holds a control character"))?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn ordinary_headers_pass_and_lose_their_case() {
        assert_eq!(check("X-Tenant", "a b\tc"), Ok("x-tenant".to_owned()));
        assert_eq!(check("authorization", "Bearer x"), Ok("authorization".to_owned()));
    }

    #[test]
    fn headers_of_the_call_itself_are_refused() {
        for name in [
            "Host",
            "content-length",
            "Transfer-Encoding",
            "connection",
            "TE",
            "trailer",
            "upgrade",
            "Content-Type",
            "webhook-id",
            "CE-type",
            "tramline-hops",
            "",
            "a b",
            "a:b",
            "ä",
        ] {
            assert!(check(name, "x").is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_value_cannot_begin_a_new_line() {
        for value in ["a\r\nb: c", "a\nb", "a\rb", "a\0b", "\u{7f}"] {
            assert!(check("x-a", value).is_err(), "{value:?}");
        }
    }
}
