//! Which subjects an event may be published to.

use crate::target::queue::Trouble;

/// Longest subject in bytes: a line of the protocol is 4096 at most and holds a reply subject too.
const MAX_SUBJECT: usize = 1024;

/// Refuses what is no subject of one message, and what would speak to the server itself: subjects
/// are made from events, and `$JS.API.…` deletes streams.
///
/// # Errors
/// `unroutable`, for good.
pub(crate) fn check(subject: &str) -> Result<(), Trouble> {
    fault(subject).map_or(Ok(()), |fault| {
        let shown: String = subject.chars().take(128).collect();
        let reason = format!("nothing can be published to the subject {shown:?}: {fault}");
        Err(Trouble::never("unroutable", reason))
    })
}

fn fault(subject: &str) -> Option<&'static str> {
    if subject.len() > MAX_SUBJECT {
        return Some("it is longer than 1024 bytes");
    }
    if subject.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some("it has spaces or control characters");
    }
    if subject.split('.').any(str::is_empty) {
        return Some("it has an empty part");
    }
    if subject.split('.').any(|token| matches!(token, "*" | ">")) {
        return Some("it has a wildcard");
    }
    if subject.starts_with('$') || subject.starts_with("_INBOX.") {
        return Some("it belongs to the server");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_that_exactly_one_message_can_have() {
        for good in [
            "a",
            "orders.placed",
            "a-b_c.1",
            "größe.x",
            "a.b*c",
            "x.>y",
            "a.$b",
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "a b",
            "a\tb",
            "a\r\nPUB x 0",
            "*",
            "a.*",
            "a.>",
            ">",
            "a\0",
            "a\u{a0}b",
            "$JS.API.STREAM.DELETE.x",
            "$SYS",
            "_INBOX.x",
        ] {
            let trouble = check(bad).unwrap_err();
            assert_eq!(trouble.class, "unroutable", "{bad:?}");
            assert!(!trouble.is_fatal, "{bad:?}");
        }
        assert!(check(&"a".repeat(MAX_SUBJECT)).is_ok());
        assert!(check(&"a".repeat(MAX_SUBJECT + 1)).is_err());
    }
}
