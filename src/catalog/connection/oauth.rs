//! OAuth 2.0 with client credentials (RFC 6749, 4.4).

use url::Url;

use super::Auth;
use super::decode::check_parameter;
use super::decode::required;
use crate::catalog::credential;
use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::issue::Issue;
use crate::catalog::target::url;
use crate::secret::Credential;

/// Where tokens are asked for, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth2 {
    /// The token endpoint, as the URL of a webhook is written.
    pub token_url: Url,
    /// Who asks; may be shown.
    pub client_id: Credential,
    /// The secret of who asks.
    pub client_secret: Credential,
    /// What the token is for.
    pub scope: Option<String>,
    /// Whom the token is for.
    pub audience: Option<String>,
    /// How the client says who it is.
    pub client_auth: ClientAuth,
    /// Further parameters of the request.
    pub params: Vec<(String, Credential)>,
}

/// How a client says to the token endpoint who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// `Authorization: Basic`.
    Basic,
    /// As parameters of the request.
    Body,
}

const KEYS: &[&str] = &[
    "token_url",
    "client_id",
    "client_secret",
    "scope",
    "audience",
    "client_auth",
    "params",
];
/// Parameters with a key of their own.
const RESERVED: &[&str] = &["grant_type", "client_id", "client_secret", "scope", "audience"];

/// Reads `oauth2` and reports everything wrong with it.
pub(super) fn decode(fields: &Fields<'_>, issues: &mut Issues) -> Option<Auth> {
    fields.only(KEYS, &[], issues);
    let token_url = url(fields, "token_url", "https://login.example/oauth/token", issues);
    let client_id = required(fields, "client_id", issues);
    let client_secret = required(fields, "client_secret", issues);
    let mut text = |key: &str| {
        let text = fields.text(key, issues)?;
        if text.is_empty() {
            issues.push(Issue::new(
                fields.at(key),
                "invalid-value",
                format!("`{key}` is empty"),
            ));
        }
        Some(text.to_owned())
    };
    let (scope, audience) = (text("scope"), text("audience"));
    let client_auth = match fields.word("client_auth", &["basic", "body"], &[], issues) {
        Some("body") => ClientAuth::Body,
        _ => ClientAuth::Basic,
    };
    let check = |name: &str, value: &str| {
        if RESERVED.contains(&name) {
            return Err(format!("`{name}` is not one of `params`"));
        }
        check_parameter(name, value)
    };
    let params = credential::decode_map(fields, "params", check, issues);
    Some(Auth::OAuth2(OAuth2 {
        token_url: token_url?,
        client_id: client_id?,
        client_secret: client_secret?,
        scope,
        audience,
        client_auth,
        params,
    }))
}
