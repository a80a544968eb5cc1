//! URLs of brokers, which may hold a user and a password.

use serde_json::Value;
use url::Host;
use url::Url;

use crate::catalog::credential;
use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::issue::Issue;
use crate::secret::Credential;

/// Where a broker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrokerUrl {
    /// Here.
    Known {
        /// Without user and password.
        url: Url,
        /// User and password as they stand in the URL, percent-encoded, if they do.
        userinfo: Option<Credential>,
    },
    /// Where the reference says when a message is sent.
    Named(Credential),
}

/// Longest URL: none of a broker comes near.
const MAX_LEN: usize = 2_000;

impl BrokerUrl {
    /// The URL, if it is known before a message is sent, without user and password.
    #[must_use]
    pub const fn known(&self) -> Option<&Url> {
        match self {
            Self::Known { url, .. } => Some(url),
            Self::Named(_) => None,
        }
    }

    /// Reads `url`, which must be there.
    pub(super) fn decode(fields: &Fields<'_>, schemes: &[&str], issues: &mut Issues) -> Option<Self> {
        let example = format!("{}://broker.example", schemes.first()?);
        let value = fields.required("url", &format!("url: \"{example}\""), issues)?;
        let at = fields.at("url");
        let (text, userinfo) = match (value, credential::userinfo::stored(value)) {
            (_, Some((url, userinfo))) => (url.to_owned(), Some(userinfo)),
            (Value::String(_), None) => match credential::decode(value, &at, "url", issues)? {
                // Seen as a whole, for it may pretend to end before its password does.
                Credential::Plain(text) if misleads(text.expose()) => (text.expose().to_owned(), None),
                Credential::Plain(text) => match credential::userinfo::split(text.expose()) {
                    Some(parts) => (parts.rest, Some(credential::userinfo::given(&parts.userinfo))),
                    None => (text.expose().to_owned(), None),
                },
                named => return Some(Self::Named(named)),
            },
            _ => {
                issues.push(crate::catalog::decode::wrong_type(&at, "`url` is a text", value));
                return None;
            }
        };
        match parse(&text, schemes) {
            Ok(url) => Some(Self::Known { url, userinfo }),
            Err(reason) => {
                issues.push(
                    Issue::new(at, "invalid-url", reason)
                        .with_correction(format!("a URL such as `{example}`")),
                );
                None
            }
        }
    }

    /// Reads the URL that a reference stands for: without user and password, and those beside it.
    ///
    /// # Errors
    /// Why it is none. Never says what it is.
    pub fn parse_named(text: &str, schemes: &[&str]) -> Result<(Url, Option<String>), String> {
        if misleads(text) {
            return parse(text, schemes).map(|url| (url, None));
        }
        match credential::userinfo::split(text) {
            Some(parts) => Ok((parse(&parts.rest, schemes)?, Some(parts.userinfo))),
            None => Ok((parse(text, schemes)?, None)),
        }
    }
}

/// Parses the URL of a broker without a user; the reason never repeats it.
fn parse(text: &str, schemes: &[&str]) -> Result<Url, String> {
    if text.len() > MAX_LEN {
        return Err(format!("the URL is longer than {MAX_LEN} bytes"));
    }
    if misleads(text) {
        return Err("the URL holds a space, a control character or a backslash".to_owned());
    }
    let scheme = text.split(':').next().unwrap_or_default().to_ascii_lowercase();
    if !schemes.contains(&scheme.as_str()) {
        return Err(format!("the URL begins with none of {}", listed(schemes)));
    }
    let mut url = Url::parse(text).map_err(|error| format!("the URL cannot be read: {error}"))?;
    if url.fragment().is_some() {
        return Err("the URL has a fragment, which means nothing to a broker".to_owned());
    }
    if url.port() == Some(0) {
        return Err("port 0 cannot be called".to_owned());
    }
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or("the URL has no host")?;
    // Only the URLs of HTTP have their hosts brought into one form.
    let host = Host::parse(host).map_err(|error| format!("the host of the URL cannot be read: {error}"))?;
    url.set_host(Some(&host.to_string()))
        .map_err(|error| format!("the host of the URL cannot be read: {error}"))?;
    Ok(url)
}

/// Whether two parsers may read it in two ways.
fn misleads(text: &str) -> bool {
    text.chars()
        .any(|c| c.is_whitespace() || c.is_control() || c == '\\')
}

fn listed(schemes: &[&str]) -> String {
    let schemes: Vec<_> = schemes.iter().map(|scheme| format!("`{scheme}://`")).collect();
    schemes.join(", ")
}
