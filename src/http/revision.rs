//! Revisions as entity tags.

use http::HeaderMap;
use http::HeaderValue;
use http::header::IF_MATCH;

use crate::problem::Problem;

/// The entity tag of a revision.
pub(super) fn etag(revision: u64) -> HeaderValue {
    // Digits between quotes are a header value.
    HeaderValue::from_str(&format!("\"{revision}\"")).unwrap_or_else(|_| HeaderValue::from(revision))
}

/// The revision in `If-Match`: `"3"`, or `*` and nothing for any.
pub(super) fn expected_revision(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let revision = text.trim_start_matches("W/").trim_matches('"').parse();
    revision
        .map(Some)
        .map_err(|_| Problem::new(412, "stale", "If-Match is not an ETag that this server gave out"))
}
