//! What a connection adds to a call: resolved for each attempt, so that a secret that was replaced is
//! used by the next one.

mod token;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use serde_json::Map;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use crate::catalog::ApiKeyPlace;
use crate::catalog::Auth;
use crate::catalog::ConnectionView;
use crate::egress::Client;
use crate::egress::TlsError;
use crate::secret::Credential;
use crate::secret::Secret;
use crate::secret::SecretError;
use crate::secret::Vault;

pub(super) use token::Tokens;

use token::Grant;
use token::TokenError;

/// What a connection adds to one call. Nothing without a connection.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    /// Marked as sensitive.
    headers: HeaderMap,
    query: Vec<(String, Secret)>,
    body: Vec<(String, Secret)>,
    secrets: Vec<Secret>,
    /// One that another can be asked for.
    token: Option<Secret>,
}

/// What secrets and tokens are had from.
pub(super) struct Sources<'a> {
    pub(super) vault: &'a Vault,
    pub(super) tokens: &'a Tokens,
    /// The client that asks for tokens.
    pub(super) client: &'a Client,
}

/// Why a call cannot carry the credentials of its connection now. Never holds a value.
#[derive(Debug, thiserror::Error)]
pub(super) enum CredentialsError {
    /// A secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A secret is there and cannot be sent.
    #[error("the value for the header `{0}` cannot stand in a header")]
    NotAHeader(String),
    /// The client certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] TlsError),
    /// There is no token.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl Credentials {
    /// What a connection adds, with its secrets as they are now; another token than one that was
    /// `refused`.
    pub(super) async fn of(
        live: &ConnectionView,
        sources: &Sources<'_>,
        refused: Option<&Secret>,
    ) -> Result<Self, CredentialsError> {
        let (connection, vault) = (&live.connection, sources.vault);
        let mut found = Self::default();
        for (name, value) in &connection.headers {
            let value = found.secret(value, vault).await?;
            found.add_header(name, value.expose())?;
        }
        for (name, value) in &connection.query {
            let value = found.secret(value, vault).await?;
            found.query.push((name.clone(), value));
        }
        for (name, value) in &connection.body {
            let value = found.secret(value, vault).await?;
            found.body.push((name.clone(), value));
        }
        match &connection.auth {
            None => {}
            Some(Auth::OAuth2(oauth)) => {
                let grant = Grant {
                    connection: (&connection.name, live.revision),
                    oauth,
                    client: sources.client,
                    vault,
                };
                let token = sources.tokens.token(&grant, refused).await?;
                found.authorize("Bearer", &token)?;
                found.token = Some(token);
            }
            Some(Auth::Basic { username, password }) => {
                let user = vault.resolve(username).await?;
                let password = found.secret(password, vault).await?;
                let pair = Zeroizing::new(format!("{}:{}", user.expose(), password.expose()));
                let encoded = Secret::new(STANDARD.encode(&*pair));
                found.authorize("Basic", &encoded)?;
            }
            Some(Auth::Bearer { token }) => {
                let token = found.secret(token, vault).await?;
                found.authorize("Bearer", &token)?;
            }
            Some(Auth::ApiKey { place, value }) => {
                let value = found.secret(value, vault).await?;
                match place {
                    ApiKeyPlace::Header(name) => found.add_header(name, value.expose())?,
                    ApiKeyPlace::Query(name) => found.query.push((name.clone(), value)),
                }
            }
        }
        Ok(found)
    }

    /// Puts them into a call, instead of what the call had under the same names.
    ///
    /// Members are added to a body only if it is a JSON object, whose other members keep their
    /// spelling.
    pub(super) fn apply(&self, url: &mut Cow<'_, Url>, headers: &mut HeaderMap, body: &mut Bytes) {
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        if !self.query.is_empty() {
            self.apply_query(url.to_mut());
        }
        if !self.body.is_empty()
            && let Ok(mut members) = serde_json::from_slice::<Map<String, Value>>(body)
        {
            for (name, value) in &self.body {
                members.insert(name.clone(), value.expose().into());
            }
            *body = Value::Object(members).to_string().into();
        }
    }

    fn apply_query(&self, url: &mut Url) {
        let is_ours = |name: &str| self.query.iter().any(|(ours, _)| ours == name);
        let kept: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| !is_ours(name))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let ours = self
            .query
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose()));
        let mut pairs = url.query_pairs_mut();
        pairs.clear().extend_pairs(kept).extend_pairs(ours);
    }

    /// The token that was sent, if another can be asked for.
    pub(super) const fn token(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    /// What was sent of secrets and must not come back.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(Secret::expose)
    }

    /// The secret behind a credential, remembered so that it does not come back.
    async fn secret(&mut self, credential: &Credential, vault: &Vault) -> Result<Secret, SecretError> {
        let secret = vault.resolve(credential).await?;
        self.secrets.push(secret.clone());
        Ok(secret)
    }

    fn authorize(&mut self, scheme: &str, credentials: &Secret) -> Result<(), CredentialsError> {
        let value = Zeroizing::new(format!("{scheme} {}", credentials.expose()));
        self.secrets.push(credentials.clone());
        self.add_header(AUTHORIZATION.as_str(), &value)
    }

    fn add_header(&mut self, name: &str, value: &str) -> Result<(), CredentialsError> {
        let unusable = || CredentialsError::NotAHeader(name.to_owned());
        let value = sensitive(value).ok_or_else(unusable)?;
        let name = HeaderName::try_from(name).map_err(|_| unusable())?;
        self.headers.insert(name, value);
        Ok(())
    }
}

/// A header value that does not show itself; `None` if it cannot stand in a header.
fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::catalog::Connection;
    use crate::catalog::ConnectionName;
    use crate::egress::Tls;
    use crate::secret::Keys;

    async fn applied(given: &Value, url: &str, body: &'static str) -> (String, HeaderMap, Bytes) {
        let vault = Vault::new(Keys::parse(Keys::generate().expose()).unwrap(), None);
        let name = ConnectionName::parse("c").unwrap();
        let spec = Connection::given(&name, given, None, &vault).unwrap().spec;
        let connection = Connection::stored(&name, &spec).unwrap();
        let live = ConnectionView {
            revision: 1,
            connection,
        };
        let sources = Sources {
            vault: &vault,
            tokens: &Tokens::default(),
            client: &Client::new(Arc::default(), &Tls::new(None).unwrap()),
        };
        let credentials = Credentials::of(&live, &sources, None).await.unwrap();
        let (mut url, mut headers) = (Cow::Owned(Url::parse(url).unwrap()), HeaderMap::new());
        headers.insert(AUTHORIZATION, HeaderValue::from_static("of the target"));
        let mut body = Bytes::from_static(body.as_bytes());
        credentials.apply(&mut url, &mut headers, &mut body);
        (url.to_string(), headers, body)
    }

    #[tokio::test]
    async fn basic_is_the_vector_of_rfc_7617() {
        let given = json!({"basic": {"username": "Aladdin", "password": "open sesame"}});
        let (url, headers, _) = applied(&given, "http://h/", "").await;
        assert_eq!(headers[AUTHORIZATION], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(headers[AUTHORIZATION].is_sensitive());
        assert_eq!(url, "http://h/", "nothing is added to the URL");
    }

    #[tokio::test]
    async fn parameters_are_added_once_and_encoded() {
        let given = json!({"api_key": {"query": "key", "value": "a&b=c d"}, "headers": {"X-Tenant": "t"}});
        let (url, headers, _) = applied(&given, "http://h/p?a=1&key=old", "").await;
        assert_eq!(url, "http://h/p?a=1&key=a%26b%3Dc+d");
        assert_eq!(headers["x-tenant"], "t");
        assert_eq!(headers[AUTHORIZATION], "of the target");
    }

    #[tokio::test]
    async fn members_are_added_to_a_json_object_and_to_nothing_else() {
        let given = json!({"body": {"tenant": "seven"}});
        let body = async |body: &'static str| applied(&given, "http://h/", body).await.2;
        let added = body(r#"{"n":1.50,"big":12345678901234567890123}"#).await;
        assert_eq!(
            added,
            r#"{"n":1.50,"big":12345678901234567890123,"tenant":"seven"}"#
        );
        for other in ["[1]", "text", ""] {
            assert_eq!(body(other).await, other);
        }
    }
}
