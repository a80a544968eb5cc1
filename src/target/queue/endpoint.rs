//! Where a broker is and who asks.

use std::fmt;

use url::Url;
use zeroize::Zeroizing;

/// Where a broker is and who asks.
#[derive(Clone)]
pub(crate) struct Endpoint {
    /// Scheme, host, port, path or virtual host; without user and password.
    pub url: Url,
    /// Who logs in.
    pub username: Option<String>,
    /// Their password.
    pub password: Option<Zeroizing<String>>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Endpoint")
            .field("url", &self.url.as_str())
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}
