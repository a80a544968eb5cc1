//! The one way out of networks that let nothing out directly.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::Uri;
use url::Url;
use zeroize::Zeroizing;

/// A forward proxy that opens connections when asked with `CONNECT`. Cheap to clone; never shows its
/// password.
#[derive(Clone)]
pub struct Proxy {
    /// Where it is, without credentials.
    pub(super) uri: Uri,
    /// The value of `Proxy-Authorization`, marked as sensitive.
    pub(super) authorization: Option<HeaderValue>,
}

/// A URL that names no usable proxy. Never repeats it: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the URL of a proxy is http://[user:password@]host:port, and nothing else")]
pub struct ProxyError;

impl Proxy {
    /// The proxy at an `http` URL, with the credentials in it.
    ///
    /// # Errors
    /// [`ProxyError`], when the URL has another scheme, a path or a query.
    pub fn new(url: &Url) -> Result<Self, ProxyError> {
        let is_plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if url.scheme() != "http" || !is_plain {
            return Err(ProxyError);
        }
        let host = url.host_str().ok_or(ProxyError)?;
        let port = url.port_or_known_default().ok_or(ProxyError)?;
        let uri = Uri::from_str(&format!("http://{host}:{port}/")).map_err(|_| ProxyError)?;
        let authorization = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some(basic(user, password.unwrap_or_default())?),
        };
        Ok(Self { uri, authorization })
    }
}

/// RFC 7617, of what stands percent-encoded in a URL.
fn basic(user: &str, password: &str) -> Result<HeaderValue, ProxyError> {
    let mut pair = Zeroizing::new(decoded(user));
    pair.push(b':');
    pair.extend(decoded(password));
    let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair)));
    let mut value = HeaderValue::from_str(&value).map_err(|_| ProxyError)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The bytes of a text in which some are written as `%41`.
fn decoded(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        let (byte, behind) = escaped(rest).unwrap_or((*first, behind));
        bytes.push(byte);
        rest = behind;
    }
    bytes
}

/// The byte that a text begins with if it is written as `%41`, and what comes behind it.
fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', high, low, behind @ ..] = text else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?;
    Some((byte, behind))
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.uri).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_has_a_host_and_maybe_credentials_and_does_not_show_them() {
        let new = |url: &str| Proxy::new(&Url::parse(url).unwrap());
        let proxy = new("http://ada:s%3A3@proxy.example").unwrap();
        assert_eq!(proxy.uri, "http://proxy.example:80/");
        assert_eq!(proxy.authorization.as_ref().unwrap(), "Basic YWRhOnM6Mw==");
        assert_eq!(format!("{proxy:?}"), "Proxy(http://proxy.example:80/)");
        assert_eq!(new("http://[::1]:3128/").unwrap().authorization, None);
        for refused in [
            "https://h/",
            "socks5://h:1/",
            "http://h/path",
            "http://h/?a",
            "http://h/#a",
        ] {
            assert_eq!(new(refused).unwrap_err(), ProxyError, "{refused}");
        }
    }
}
