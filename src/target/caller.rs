//! What the calls of all kinds of targets are made with.

use std::sync::Arc;

use super::clients::Clients;
use super::credentials::Credentials;
use super::credentials::CredentialsError;
use super::credentials::Sources;
use super::credentials::Tokens;
use crate::catalog::ConnectionView;
use crate::egress::Client;
use crate::egress::Policy;
use crate::egress::Tls;
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
