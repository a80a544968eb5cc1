//! What is kept of an answer for whoever looks up what happened, without the secrets in it.

use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use super::KEPT_RESPONSE;

/// Most of a response that is read before its connection is given up.
const READ_RESPONSE: usize = 64 * 1024;
/// What is looked at beyond what is kept, so that no part of a secret stays at the end.
const BEYOND: usize = 8 * 1024;
/// Memory that whole bodies take together, in units of [`UNIT`] bytes: 64 MiB.
const ROOM_UNITS: u32 = 64 * 1024;
static ROOM: Semaphore = Semaphore::const_new(64 * 1024);
/// What memory is counted in.
const UNIT: usize = 1024;
/// Headers of an answer that help to find out what happened. Others may hold secrets.
const KEPT_HEADERS: [&str; 19] = [
    "allow",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "location",
    "request-id",
    "retry-after",
    "server",
    "traceparent",
    "via",
    "webhook-allowed-origin",
    "webhook-allowed-rate",
    "x-amz-function-error",
    "x-amzn-requestid",
    "x-call-id",
    "x-cloud-trace-context",
    "x-correlation-id",
    "x-request-id",
];
/// Longest value of a header that is kept.
const MAX_VALUE: usize = 256;
/// Request headers whose values are secrets, wherever these words stand in their names.
const SECRET_WORDS: [&str; 6] = ["auth", "cookie", "key", "password", "secret", "token"];
/// How the names of headers begin that we set ourselves, and that hold none.
const OURS: [&str; 4] = ["ce-", "content-type", "tramline-", "webhook-"];
/// What stands in the place of a secret.
const REDACTED: &str = "***";

/// Values that were sent and must not come back.
#[derive(Debug, Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// The values of the headers of a request whose names tell of secrets, and what is known to be one.
    pub(super) fn of<'a>(request: &HeaderMap, known: impl Iterator<Item = &'a str>) -> Self {
        let mut found: Vec<_> = known.map(str::to_owned).collect();
        for (name, value) in request {
            let is_ours = OURS.iter().any(|start| name.as_str().starts_with(start));
            let is_named_so = || SECRET_WORDS.iter().any(|word| name.as_str().contains(word));
            let is_secret = value.is_sensitive() || (!is_ours && is_named_so());
            let Ok(text) = value.to_str() else { continue };
            if !is_secret {
                continue;
            }
            // The whole value first, then what stands behind `Bearer`.
            found.push(text.to_owned());
            found.extend(text.split_once(' ').map(|(_, rest)| rest.trim().to_owned()));
        }
        found.retain(|text| text.len() >= 4);
        // A long one first: a short one may stand in it.
        found.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Self(found)
    }

    fn redact(&self, mut text: String) -> String {
        for secret in &self.0 {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), REDACTED);
            }
        }
        text
    }
}

/// The headers that are kept, in the order of their names.
pub(super) fn headers(answer: &HeaderMap, secrets: &Secrets) -> Vec<(String, String)> {
    let mut left = KEPT_RESPONSE / 2;
    let mut kept = Vec::new();
    for name in KEPT_HEADERS {
        let Some(value) = answer.get(name) else { continue };
        let mut text = secrets.redact(String::from_utf8_lossy(value.as_bytes()).into_owned());
        if name == "location" {
            text = without_query(&text);
        }
        cut(&mut text, MAX_VALUE);
        let Some(rest) = left.checked_sub(name.len() + text.len()) else {
            break;
        };
        left = rest;
        kept.push((name.to_owned(), text));
    }
    kept
}

/// Reads a body as far as it is worth keeping, so that the connection can be used again; at the
/// end of the time it is closed. Gives its beginning as text.
pub(super) async fn body(body: Incoming, left: Duration, secrets: &Secrets) -> Option<String> {
    let mut kept = Vec::new();
    // Past the deadline the rest of the answer does not matter: the status line has decided.
    timeout(left, read(body, READ_RESPONSE, KEPT_RESPONSE + BEYOND, &mut kept))
        .await
        .unwrap_or_default();
    text(&kept, secrets)
}

/// Reads a body that nobody looks at, as far as is worth a connection that can be used again.
pub(super) async fn drain(body: Incoming, left: Duration) {
    // Past the deadline the connection is closed, which is all that is left to do.
    timeout(left, read(body, READ_RESPONSE, 0, &mut Vec::new()))
        .await
        .unwrap_or_default();
}

/// A whole body, and the room it takes until this is dropped.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) bytes: Bytes,
    pub(super) room: Room,
}

/// Room that bodies take until this is dropped.
pub(super) type Room = SemaphorePermit<'static>;

/// Why there is no whole body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Incomplete {
    /// It has more bytes than were wanted.
    TooLarge,
    /// It broke off, or did not come in time.
    Broken,
}

/// Reads a whole body of at most `max` bytes.
pub(super) async fn whole(body: Incoming, max: usize, left: Duration) -> Result<Whole, Incomplete> {
    timeout(left, collect(body, max))
        .await
        .unwrap_or(Err(Incomplete::Broken))
}

async fn collect(mut body: Incoming, max: usize) -> Result<Whole, Incomplete> {
    let announced = body
        .size_hint()
        .exact()
        .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    if announced.is_some_and(|bytes| bytes > max) {
        return Err(Incomplete::TooLarge);
    }
    // All of it at once: with a part of what they need, many could wait for one another.
    let units = announced.unwrap_or(max).div_ceil(UNIT);
    let units = u32::try_from(units).unwrap_or(u32::MAX).min(ROOM_UNITS);
    let room = ROOM.acquire_many(units).await.map_err(|_| Incomplete::Broken)?;
    let mut bytes = BytesMut::with_capacity(announced.unwrap_or_default());
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame.map_err(|_| Incomplete::Broken)?.into_data() else {
            continue;
        };
        if bytes.len() + chunk.len() > max {
            return Err(Incomplete::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    let bytes = bytes.freeze();
    Ok(Whole { bytes, room })
}

/// The beginning of these bytes as text, if there is any.
pub(super) fn text(bytes: &[u8], secrets: &Secrets) -> Option<String> {
    let bytes = bytes.get(..KEPT_RESPONSE + BEYOND).unwrap_or(bytes);
    let mut text = secrets.redact(String::from_utf8_lossy(bytes).into_owned());
    cut(&mut text, KEPT_RESPONSE);
    (!text.is_empty()).then_some(text)
}

/// Reads up to `max` bytes and keeps the first `keep` of them.
async fn read(mut body: Incoming, max: usize, keep: usize, kept: &mut Vec<u8>) {
    let mut seen = 0;
    while seen < max {
        let Some(Ok(frame)) = body.frame().await else {
            break;
        };
        let Ok(chunk) = frame.into_data() else { continue };
        seen += chunk.len();
        let room = keep.saturating_sub(kept.len()).min(chunk.len());
        kept.extend_from_slice(chunk.get(..room).unwrap_or_default());
    }
}

/// A URL without what may be secret in it.
fn without_query(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let url = url.get(..end).unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("//") else {
        return url.to_owned();
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}//{host}{path}")
}

/// Shortens a text to at most so many bytes.
fn cut(text: &mut String, max: usize) {
    text.truncate(text.floor_char_boundary(max));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
        pairs.collect()
    }

    #[test]
    fn only_harmless_headers_are_kept() {
        let answer = map(&[
            ("content-type", "text/plain"),
            ("set-cookie", "session=hunter2"),
            ("authorization", "Bearer hunter2"),
            ("x-powered-by", "magic"),
            ("location", "https://user:pw@h.example/a/b?token=hunter2#x"),
            ("retry-after", "5"),
        ]);
        let kept = headers(&answer, &Secrets::default());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            kept,
            [
                pair("content-type", "text/plain"),
                pair("location", "https://h.example/a/b"),
                pair("retry-after", "5")
            ]
        );
    }

    #[test]
    fn secrets_that_were_sent_do_not_come_back() {
        let request = map(&[
            ("authorization", "Bearer hunter2-token"),
            ("x-api-key", "abcdef"),
            ("x-tenant", "public"),
        ]);
        let secrets = Secrets::of(&request, std::iter::empty());
        let echo = "you sent Bearer hunter2-token, hunter2-token, abcdef and public";
        assert_eq!(
            text(echo.as_bytes(), &secrets).as_deref(),
            Some("you sent ***, ***, *** and public")
        );
    }

    #[test]
    fn no_part_of_a_secret_stays_at_the_end_of_what_is_kept() {
        let secrets = Secrets::of(&map(&[("authorization", "hunter2-hunter2")]), std::iter::empty());
        let body = format!("{}hunter2-hunter2", "x".repeat(KEPT_RESPONSE - 5));
        let kept = text(body.as_bytes(), &secrets).unwrap();
        assert!(
            kept.len() <= KEPT_RESPONSE && !kept.contains("hunter2"),
            "{}",
            &kept[KEPT_RESPONSE - 9..]
        );
    }

    #[test]
    fn what_is_kept_is_bounded_and_whole_characters() {
        let kept = text("€".repeat(10_000).as_bytes(), &Secrets::default()).unwrap();
        assert!((KEPT_RESPONSE - 3..=KEPT_RESPONSE).contains(&kept.len()));
        assert_eq!(text(b"", &Secrets::default()), None);
    }
}
