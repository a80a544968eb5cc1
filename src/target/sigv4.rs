//! AWS Signature Version 4: who signs a request holds the secret key, and the request is of now.

use std::fmt::Write as _;

use hmac::Hmac;
use hmac::KeyInit as _;
use hmac::Mac as _;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header::AUTHORIZATION;
use http::header::HOST;
use sha2::Digest as _;
use sha2::Sha256;
use url::Url;

use crate::clock;

const DATE: &str = "x-amz-date";
const TOKEN: &str = "x-amz-security-token";
/// Names the algorithm in the signature.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Keys of an AWS identity.
pub(super) struct Credentials<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) secret_access_key: &'a str,
    /// Of temporary keys.
    pub(super) session_token: Option<&'a str>,
}

/// Where and for what a signature holds.
pub(super) struct Scope<'a> {
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    /// Unix seconds.
    pub(super) timestamp: i64,
}

/// Adds what authenticates a request: date, session token and signature over the headers that are
/// there. `None` when a value does not fit a header.
pub(super) fn sign(
    method: &Method,
    url: &Url,
    headers: &mut HeaderMap,
    body: &[u8],
    credentials: &Credentials<'_>,
    scope: &Scope<'_>,
) -> Option<()> {
    let moment = compact(scope.timestamp);
    headers.insert(DATE, moment.parse().ok()?);
    if let Some(token) = credentials.session_token {
        let mut token: HeaderValue = token.parse().ok()?;
        token.set_sensitive(true);
        headers.insert(TOKEN, token);
    }
    headers.insert(HOST, host(url)?.parse().ok()?);
    let (canonical, signed) = canonical_request(method, url, headers, body);
    let day = moment.get(..8)?;
    let (region, service) = (scope.region, scope.service);
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let to_sign = format!(
        "{ALGORITHM}\n{moment}\n{scope}\n{}",
        hex(&Sha256::digest(canonical))
    );
    let mut key = format!("AWS4{}", credentials.secret_access_key).into_bytes();
    for part in [day, region, service, "aws4_request"] {
        key = mac(&key, part.as_bytes())?;
    }
    let signature = hex(&mac(&key, to_sign.as_bytes())?);
    let id = credentials.access_key_id;
    let authorization =
        format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={signed}, Signature={signature}");
    headers.insert(AUTHORIZATION, authorization.parse().ok()?);
    Some(())
}

/// A moment as `20150830T123600Z`.
fn compact(unix_seconds: i64) -> String {
    let text = clock::rfc3339(unix_seconds.saturating_mul(1_000));
    let (text, _milliseconds) = text.split_once('.').unwrap_or((&text, ""));
    text.replace(['-', ':'], "") + "Z"
}

/// The host as the client sends it: with its port, unless that is the one of the scheme.
fn host(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(
        url.port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
    )
}

/// The request in the one form in which it is signed, and the names of the headers in it.
fn canonical_request(method: &Method, url: &Url, headers: &HeaderMap, body: &[u8]) -> (String, String) {
    let mut names: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    let mut lines = String::new();
    for name in &names {
        let values = headers.get_all(*name).iter().map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes());
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        });
        let values: Vec<_> = values.collect();
        lines.push_str(name);
        lines.push(':');
        lines.push_str(&values.join(","));
        lines.push('\n');
    }
    let signed = names.join(";");
    let mut query: Vec<_> = url
        .query_pairs()
        .map(|(key, value)| format!("{}={}", encoded(&key, false), encoded(&value, false)))
        .collect();
    query.sort_unstable();
    let canonical = format!(
        "{method}\n{}\n{}\n{lines}\n{signed}\n{}",
        // Encoded once for the URL and once more for the signature.
        encoded(url.path(), true),
        query.join("&"),
        hex(&Sha256::digest(body)),
    );
    (canonical, signed)
}

/// Encodes everything but unreserved characters, and slashes if they are to be kept.
pub(super) fn encoded(text: &str, keeps_slashes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let is_kept =
            byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keeps_slashes && byte == b'/');
        if is_kept {
            out.push(char::from(byte));
        } else {
            // Writing to memory does not fail.
            write!(out, "%{byte:02X}").unwrap_or_default();
        }
    }
    out
}

fn mac(key: &[u8], content: &[u8]) -> Option<Vec<u8>> {
    // Keys of every length are taken.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(content);
    Some(mac.finalize().into_bytes().to_vec())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap_or_default();
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIALS: Credentials<'_> = Credentials {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        session_token: None,
    };

    /// 2015-08-30T12:36:00Z, the moment of AWS's test suite.
    const SCOPE: Scope<'_> = Scope {
        region: "us-east-1",
        service: "service",
        timestamp: 1_440_938_160,
    };

    fn signature(method: &Method, url: &str) -> String {
        let mut headers = HeaderMap::new();
        let url = Url::parse(url).unwrap();
        sign(method, &url, &mut headers, b"", &CREDENTIALS, &SCOPE).unwrap();
        headers.get(AUTHORIZATION).unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn the_published_test_suite_holds() {
        let head = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                    SignedHeaders=host;x-amz-date, Signature=";
        assert_eq!(
            signature(&Method::GET, "https://example.amazonaws.com/"),
            format!("{head}5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")
        );
        assert_eq!(
            signature(
                &Method::GET,
                "https://example.amazonaws.com/?Param2=value2&Param1=value1"
            ),
            format!("{head}b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500")
        );
        assert_eq!(
            signature(&Method::POST, "https://example.amazonaws.com/"),
            format!("{head}5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")
        );
    }

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(encoded("a/b c~%:€", true), "a/b%20c~%25%3A%E2%82%AC");
        assert_eq!(encoded("a/b", false), "a%2Fb");
    }
}
