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
use crate::egress::Dialer;
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
    dialer: Dialer,
    kept: Mutex<HashMap<ConnectionName, Kept>>,
}

/// A certificate as it is now.
struct Identity {
    cert: Secret,
    key: Secret,
    ca: Option<Secret>,
    /// Tells it from another one.
    digest: [u8; 32],
}

impl Identity {
    async fn of(mtls: &Mtls, vault: &Vault) -> Result<Self, CredentialsError> {
        let cert = vault.resolve(&mtls.cert).await?;
        let key = vault.resolve(&mtls.key).await?;
        let ca = match &mtls.ca {
            Some(ca) => Some(vault.resolve(ca).await?),
            None => None,
        };
        let mut digest = Sha256::new();
        for part in [
            cert.expose(),
            key.expose(),
            ca.as_ref().map_or("", Secret::expose),
        ] {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        let digest = digest.finalize().into();
        Ok(Self {
            cert,
            key,
            ca,
            digest,
        })
    }
}

/// A client, and what it was made of: a certificate that was renewed in its file makes another one.
#[derive(Debug)]
struct Kept {
    made_of: [u8; 32],
    client: Client,
}

impl Clients {
    pub(super) fn new(policy: Arc<Policy>, tls: Tls) -> Self {
        Self {
            dialer: Dialer::new(Arc::clone(&policy), tls.clone()),
            policy,
            tls,
            kept: Mutex::default(),
        }
    }

    /// The client of a connection, which shows this certificate.
    pub(super) async fn client(
        &self,
        live: &ConnectionView,
        mtls: &Mtls,
        vault: &Vault,
    ) -> Result<Client, CredentialsError> {
        let Identity {
            cert,
            key,
            ca,
            digest,
        } = Identity::of(mtls, vault).await?;
        let (ca, made_of) = (ca.as_ref().map(Secret::expose), digest);
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

    /// What opens the links of a connection with this certificate, and what tells it from another one.
    pub(super) async fn dialer(
        &self,
        mtls: Option<&Mtls>,
        vault: &Vault,
    ) -> Result<(Dialer, [u8; 32]), CredentialsError> {
        let Some(mtls) = mtls else {
            return Ok((self.dialer.clone(), [0; 32]));
        };
        let Identity {
            cert,
            key,
            ca,
            digest,
        } = Identity::of(mtls, vault).await?;
        let ca = ca.as_ref().map(Secret::expose);
        let tls = self.tls.with_identity(cert.expose(), key.expose(), ca)?;
        Ok((Dialer::new(Arc::clone(&self.policy), tls), digest))
    }
}
