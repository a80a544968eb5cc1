//! What brokers say, shortened, made harmless and freed of the password.

use zeroize::Zeroizing;

/// Most characters of what a broker says that are kept: enough for a sentence.
const KEPT: usize = 240;
/// Repeats what a broker says, never the secret that it was told.
pub(super) struct Words(Option<Zeroizing<String>>);

impl Words {
    /// Keeps this password out of every sentence.
    pub(super) fn without(password: Option<&Zeroizing<String>>) -> Self {
        Self(password.filter(|password| !password.is_empty()).cloned())
    }

    /// The beginning of what was said, on one line.
    pub(super) fn quote(&self, said: &[u8]) -> String {
        let text = String::from_utf8_lossy(said);
        let text = match &self.0 {
            Some(secret) => text.replace(secret.as_str(), "***"),
            None => text.into_owned(),
        };
        let harmless = |c: char| if c.is_control() { ' ' } else { c };
        text.chars().take(KEPT).map(harmless).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_broker_says_is_one_short_line_without_the_password() {
        let words = Words::without(Some(&Zeroizing::new("s3cret".to_owned())));
        assert_eq!(words.quote(b"no s3cret\r\nhere \xff"), "no ***  here \u{fffd}");
        assert_eq!(words.quote(&[b'a'; 1_000]).len(), KEPT);
        assert_eq!(Words::without(None).quote(b"plain"), "plain");
    }
}
