//! What the calls of all kinds of targets are made with.

use std::sync::Arc;

use super::clients::Clients;
use super::credentials::Credentials;
use super::credentials::CredentialsError;
use super::credentials::Sources;
use super::credentials::Tokens;
use super::exchange::Signing;
use super::sign;
use crate::catalog::ConnectionView;
use crate::catalog::Sign;
use crate::catalog::SigningKey;
use crate::egress::Client;
use crate::egress::Dialer;
use crate::egress::Policy;
use crate::egress::Tls;
use crate::secret::Credential;
use crate::secret::Secret;
use crate::secret::Vault;

/// The guarded client, and what knows the secrets of connections. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    client: Client,
    clients: Arc<Clients>,
    vault: Arc<Vault>,
    tokens: Arc<Tokens>,
}

impl Caller {
    pub(super) fn new(policy: Arc<Policy>, tls: Tls, vault: Arc<Vault>) -> Self {
        Self {
            client: Client::new(Arc::clone(&policy), &tls),
            clients: Arc::new(Clients::new(policy, tls)),
            vault,
            tokens: Arc::default(),
        }
    }

    /// The signatures of a call that is made now.
    ///
    /// # Errors
    /// Why there are none: a key cannot be had, or what is there is none. Never says what it is.
    pub(super) async fn signatures(&self, signing: Signing<'_>, body: &[u8]) -> Result<String, String> {
        let mut keys = Vec::new();
        match signing.sign {
            Sign::Secrets(secrets) => {
                for secret in secrets {
                    let secret = self.secret(secret).await?;
                    keys.push(SigningKey::symmetric(secret.expose()).map_err(|error| error.to_string())?);
                }
            }
            Sign::Ed25519(key) => {
                let key = self.secret(key).await?;
                keys.push(SigningKey::private(key.expose()).map_err(|error| error.to_string())?);
            }
        }
        Ok(sign::signatures(&keys, signing.id, signing.timestamp, body))
    }

    /// The secret behind a credential, as it is now.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub(super) async fn secret(&self, credential: &Credential) -> Result<Secret, String> {
        let found = self.vault.resolve(credential).await;
        found.map_err(|error| error.to_string())
    }

    /// The client for calls over this connection: of its own if it shows a certificate.
    pub(super) async fn client(
        &self,
        connection: Option<&ConnectionView>,
    ) -> Result<Client, CredentialsError> {
        match connection.and_then(|live| Some((live, live.connection.mtls.as_ref()?))) {
            Some((live, mtls)) => self.clients.client(live, mtls, &self.vault).await,
            None => Ok(self.client.clone()),
        }
    }

    /// What opens links to brokers over this connection, and what tells it from another one.
    pub(super) async fn dialer(
        &self,
        connection: Option<&ConnectionView>,
    ) -> Result<(Dialer, [u8; 32]), CredentialsError> {
        let mtls = connection.and_then(|live| live.connection.mtls.as_ref());
        self.clients.dialer(mtls, &self.vault).await
    }

    /// What a connection adds to a call that is made now, without a token that was `refused`.
    pub(super) async fn credentials(
        &self,
        connection: Option<&ConnectionView>,
        refused: Option<&Secret>,
    ) -> Result<Credentials, CredentialsError> {
        let Some(live) = connection else {
            return Ok(Credentials::default());
        };
        let sources = Sources {
            vault: &self.vault,
            tokens: &self.tokens,
            client: &self.client,
        };
        Credentials::of(live, &sources, refused).await
    }
}
