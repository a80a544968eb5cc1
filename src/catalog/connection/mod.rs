//! A connection: how the calls of targets prove who they are, kept apart from rules.

mod decode;
mod oauth;

use std::sync::Arc;

use serde_json::Value;

use super::credential;
use super::credential::Before;
use super::issue::Issue;
use super::names::ConnectionName;
use crate::secret::Credential;
use crate::secret::Vault;

pub use oauth::ClientAuth;
pub use oauth::OAuth2;

/// Credentials and further parameters that the calls of any number of targets carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Unique in the catalog.
    pub name: ConnectionName,
    /// What it is for, in its author's words.
    pub description: Option<String>,
    /// How a call proves who makes it.
    pub auth: Option<Auth>,
    /// The certificate that every connection to a target shows.
    pub mtls: Option<Mtls>,
    /// Headers of every call, names in lower case; none of those that belong to the call itself.
    pub headers: Vec<(String, Credential)>,
    /// Query parameters of every call.
    pub query: Vec<(String, Credential)>,
    /// Members added to the body of every call whose body is a JSON object.
    pub body: Vec<(String, Credential)>,
    /// The connection as it is stored: secrets sealed, references as they were given.
    pub spec: Arc<Value>,
}

/// How a call proves who makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Auth {
    /// `Authorization: Basic`.
    Basic {
        /// The user, which may be shown.
        username: Credential,
        /// The password.
        password: Credential,
    },
    /// `Authorization: Bearer` with a token that does not change.
    Bearer {
        /// The token.
        token: Credential,
    },
    /// A key in a header or a query parameter.
    ApiKey {
        /// Where it stands.
        place: ApiKeyPlace,
        /// The key.
        value: Credential,
    },
    /// `Authorization: Bearer` with a token that is asked for with client credentials.
    OAuth2(OAuth2),
}

/// A client certificate, all in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mtls {
    /// The certificate, and those between it and its authority; may be shown.
    pub cert: Credential,
    /// Its private key.
    pub key: Credential,
    /// The authorities of the target, if they are not those of the server; may be shown.
    pub ca: Option<Credential>,
}

/// Where an API key stands in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiKeyPlace {
    /// In the header of this name, in lower case.
    Header(String),
    /// In the query parameter of this name.
    Query(String),
}

/// Secrets that stay when a new version of their connection leaves them out.
const STAYING: &[&[&str]] = &[
    &["basic", "password"],
    &["bearer", "token"],
    &["api_key", "value"],
];

impl Connection {
    /// Reads a connection that somebody gave, as the next version of `before`.
    ///
    /// A secret that is left out stays as it is if the connection has it already, and so does one
    /// given as `{"set": true}`. All others are sealed by `vault`.
    ///
    /// # Errors
    /// Everything that is wrong with it. No text repeats a secret.
    pub fn given(
        name: &ConnectionName,
        given: &Value,
        before: Option<&Self>,
        vault: &Vault,
    ) -> Result<Self, Vec<Issue>> {
        let before = before.map(|before| Before {
            places: credential::of_connection(&before.spec),
            spec: &before.spec,
        });
        let mut given = given.clone();
        if let Some(before) = &before {
            credential::complete(&mut given, STAYING, before);
        }
        let read = decode::decode(name, &given)?;
        if let Value::Object(members) = &mut given {
            // Said by the place where it is stored.
            members.shift_remove("name");
        }
        let places = credential::of_connection(&given);
        let spec = credential::seal(&given, &places, &owner(name), before.as_ref(), vault)?;
        Ok(Self {
            spec: Arc::new(spec),
            ..read
        })
    }

    /// Reads a connection as it is stored.
    ///
    /// # Errors
    /// Everything that keeps this version from using it.
    pub fn stored(name: &ConnectionName, spec: &Arc<Value>) -> Result<Self, Vec<Issue>> {
        let places = credential::of_connection(spec);
        let spec_read = credential::with_owners(spec, &places, &owner(name));
        let read = decode::decode_stored(name, &spec_read)?;
        Ok(Self {
            spec: Arc::clone(spec),
            ..read
        })
    }

    /// The connection as it is shown: `{"set": true}` for every secret, references as given.
    #[must_use]
    pub fn shown(&self) -> Value {
        let places = credential::of_connection(&self.spec);
        credential::shown(&self.spec, &places, &credential::set())
    }

    /// The ids of the keys that its secrets are sealed with.
    #[must_use]
    pub fn key_ids(&self) -> Vec<String> {
        let places = credential::of_connection(&self.spec);
        credential::key_ids(&self.spec, &places)
            .map(str::to_owned)
            .collect()
    }
}

/// The owner of the secrets of a connection.
fn owner(name: &ConnectionName) -> String {
    format!("connection/{name}")
}

#[cfg(test)]
mod tests;
