//! `Retry-After`: when a target wants to be asked again.

use std::time::Duration;
use std::time::UNIX_EPOCH;

use http::HeaderMap;
use http::header::RETRY_AFTER;

use super::Until;

/// What the header says; none for anything that the standard does not allow.
///
/// Seconds are digits and nothing else, and too many of them are as many as there are. A date is
/// of one of the three forms of HTTP. Two headers that differ say nothing.
pub(super) fn read(headers: &HeaderMap) -> Option<Until> {
    let mut values = headers.get_all(RETRY_AFTER).iter();
    let first = values.next()?.to_str().ok()?.trim();
    let is_repeated = |other: &http::HeaderValue| other.to_str().is_ok_and(|other| other.trim() == first);
    values.all(is_repeated).then(|| parse(first)).flatten()
}

fn parse(text: &str) -> Option<Until> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // All digits: what does not fit is too large.
        let seconds = text.parse().unwrap_or(u64::MAX);
        return Some(Until::After(Duration::from_secs(seconds)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let seconds = date.duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(Until::At(i64::try_from(seconds).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn after(seconds: u64) -> Until {
        Until::After(Duration::from_secs(seconds))
    }

    #[test]
    fn f08_seconds_are_digits_and_too_many_of_them_saturate() {
        assert_eq!(parse("5"), Some(after(5)));
        assert_eq!(parse("0"), Some(after(0)));
        assert_eq!(parse("0007"), Some(after(7)));
        assert_eq!(parse("99999999999999999999"), Some(after(u64::MAX)));
        assert_eq!(parse(&"9".repeat(4_000)), Some(after(u64::MAX)));
    }

    #[test]
    fn f08_the_three_forms_of_a_date_are_read() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse(text), Some(Until::At(784_111_777)), "{text}");
        }
        assert_eq!(parse("Thu, 01 Jan 1970 00:00:00 GMT"), Some(Until::At(0)));
    }

    #[test]
    fn f08_anything_else_is_ignored() {
        for text in [
            "",
            "-5",
            "+5",
            "5.0",
            "5s",
            "5, 6",
            "inf",
            "NaN",
            "1e300",
            "-1e300",
            "0x5",
            "soon",
            "5 5",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "1994-11-06T08:49:37Z",
            "\u{665}",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn f08_two_headers_count_if_they_say_the_same() {
        let headers = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(RETRY_AFTER, http::HeaderValue::from_static(value));
            }
            read(&headers)
        };
        assert_eq!(headers(&[]), None);
        assert_eq!(headers(&["5", " 5"]), Some(after(5)));
        assert_eq!(headers(&["5", "6"]), None);
        assert_eq!(headers(&["5", "soon"]), None);
    }

    proptest! {
        #[test]
        fn f08_no_text_makes_it_panic(text in ".{0,40}") {
            parse(&text);
        }
    }
}
