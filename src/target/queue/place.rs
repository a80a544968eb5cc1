//! Reads from the URL of a broker where it is.

use percent_encoding::percent_decode_str;
use url::Url;

use super::Trouble;

/// Where to connect to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Name or address, without brackets.
    pub(super) host: String,
    /// Port of TCP.
    pub(super) port: u16,
    /// Whether TLS is spoken.
    pub(super) is_secure: bool,
}

impl Place {
    /// The place of a URL whose scheme is one of these two; each comes with its usual port.
    pub(super) fn of(url: &Url, plain: (&str, u16), secure: (&str, u16)) -> Result<Self, Trouble> {
        let (is_secure, usual) = match url.scheme() {
            scheme if scheme == plain.0 => (false, plain.1),
            scheme if scheme == secure.0 => (true, secure.1),
            other => {
                let reason = format!("the scheme `{other}` is neither {} nor {}", plain.0, secure.0);
                return Err(Trouble::fatal(Trouble::never("format_error", reason)));
            }
        };
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            let reason = "the URL of the broker names no host";
            return Err(Trouble::fatal(Trouble::never("format_error", reason)));
        }
        Ok(Self {
            host,
            port: url.port().unwrap_or(usual),
            is_secure,
        })
    }
}

/// Replaces `%41` by `A`; what is no escape stays as it is, what is no text is replaced.
pub(super) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Result<Place, Trouble> {
        Place::of(&url.parse().unwrap(), ("amqp", 5672), ("amqps", 5671))
    }

    #[test]
    fn a_url_says_host_port_and_whether_tls_is_spoken() {
        let is = |url, host: &str, port, is_secure| {
            let host = host.to_owned();
            assert_eq!(
                place(url).unwrap(),
                Place {
                    host,
                    port,
                    is_secure
                },
                "{url}"
            );
        };
        is("amqp://broker.test", "broker.test", 5672, false);
        is("amqps://broker.test/v", "broker.test", 5671, true);
        is("amqp://127.0.0.1:1234/", "127.0.0.1", 1234, false);
        is("amqps://[::1]:9", "::1", 9, true);
    }

    #[test]
    fn other_schemes_and_urls_without_a_host_are_refused() {
        for url in ["http://broker.test", "amqp:///v", "amqp:broker"] {
            let trouble = place(url).unwrap_err();
            assert_eq!(trouble.class, "format_error", "{url}");
        }
    }

    #[test]
    fn escapes_are_decoded_and_broken_ones_stay() {
        assert_eq!(decoded("%2F"), "/");
        assert_eq!(decoded("a%20b%"), "a b%");
        assert_eq!(decoded("%2"), "%2");
        assert_eq!(decoded("%zz%+1"), "%zz%+1");
        assert_eq!(decoded("%ff"), "\u{fffd}");
    }
}
