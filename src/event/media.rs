//! What a media type says about bytes (RFC 2045, RFC 6839).

/// Whether a content type declares JSON: `application/json`, `text/json` or any `+json`.
#[must_use]
pub fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type);
    let Some((_, subtype)) = essence.split_once('/') else {
        return false;
    };
    subtype.eq_ignore_ascii_case("json")
        || subtype
            .rsplit_once('+')
            .is_some_and(|(_, suffix)| suffix.eq_ignore_ascii_case("json"))
}

/// Whether a content type declares text.
#[must_use]
pub fn is_text(content_type: &str) -> bool {
    essence(content_type)
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("text/"))
}

/// Whether the text has the form `type/subtype` with optional parameters.
pub(super) fn is_media_type(content_type: &str) -> bool {
    essence(content_type)
        .split_once('/')
        .is_some_and(|(main, sub)| is_token(main) && is_token(sub))
}

fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

fn is_token(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_told_by_subtype_or_suffix_in_any_case() {
        for yes in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "text/json",
            "application/vnd.x+json",
        ] {
            assert!(is_json(yes), "{yes}");
        }
        for no in [
            "application/jsonlines",
            "json",
            "text/plain",
            "application/json+xml",
            "",
        ] {
            assert!(!is_json(no), "{no}");
        }
    }

    #[test]
    fn a_media_type_needs_two_tokens() {
        assert!(is_media_type("text/plain; charset=utf-8"));
        assert!(!is_media_type("text"));
        assert!(!is_media_type("te xt/plain"));
    }
}
