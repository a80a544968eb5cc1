//! Clients of connections that show a certificate: one each, so that no other call ever uses its
//! connections.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use sha2::Digest as _;
use sha2::Sha256;

use super::credentials::CredentialsError;
use crate::catalog::ConnectionName;
use crate::catalog::ConnectionView;
use crate::catalog::Mtls;
use crate::egress::Client;
use crate::egress::Policy;
use crate::egress::Tls;
use crate::secret::Secret;
use crate::secret::Vault;

/// Connections whose clients are kept; more are made again.
const MAX_KEPT: usize = 1_000;

/// The clients of connections with a certificate, by name.
#[derive(Debug)]
pub(super) struct Clients {
    policy: Arc<Policy>,
    tls: Tls,
    kept: Mutex<HashMap<ConnectionName, Kept>>,
}

/// A client, and what it was made of: a certificate that was renewed in its file makes another one.
#[derive(Debug)]
struct Kept {
    made_of: [u8; 32],
    client: Client,
}

impl Clients {
    pub(super) fn new(policy: Arc<Policy>, tls: Tls) -> Self {
        let kept = Mutex::default();
        Self { policy, tls, kept }
    }

    /// The client of a connection, which shows this certificate.
    pub(super) async fn client(
        &self,
        live: &ConnectionView,
        mtls: &Mtls,
        vault: &Vault,
    ) -> Result<Client, CredentialsError> {
        let cert = vault.resolve(&mtls.cert).await?;
        let key = vault.resolve(&mtls.key).await?;
        let ca = match &mtls.ca {
            Some(ca) => Some(vault.resolve(ca).await?),
            None => None,
        };
        let ca = ca.as_ref().map(Secret::expose);
        let mut digest = Sha256::new();
        for part in [cert.expose(), key.expose(), ca.unwrap_or_default()] {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        let made_of: [u8; 32] = digest.finalize().into();
        let name = &live.connection.name;
        if let Some(kept) = self.kept.lock().get(name).filter(|kept| kept.made_of == made_of) {
            return Ok(kept.client.clone());
        }
        let tls = self.tls.with_identity(cert.expose(), key.expose(), ca)?;
        let client = Client::new(Arc::clone(&self.policy), &tls);
        let mut kept = self.kept.lock();
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        let made = Kept {
            made_of,
            client: client.clone(),
        };
        kept.insert(name.clone(), made);
        Ok(client)
    }
}
