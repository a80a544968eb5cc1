//! What TLS connections trust, and what they show of us.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

/// Certificates and keys that cannot be used. Never repeats them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Give certificates in PEM.
    #[error("there is no certificate in the {0}")]
    NoCertificate(&'static str),
    /// Give a private key in PEM, without a password.
    #[error("there is no usable private key in the client key")]
    NoKey,
    /// Give the key of the certificate.
    #[error("the client certificate and its key do not belong together, or cannot be used")]
    Mismatch,
    /// TLS itself is not available.
    #[error("TLS cannot be set up")]
    Setup(#[from] rustls::Error),
}

/// The authorities that servers are checked against, and the certificate of the client if it has one.
///
/// Versions below TLS 1.2 are not spoken, and names and dates are always checked.
#[derive(Debug, Clone)]
pub struct Tls {
    roots: Arc<RootCertStore>,
    config: ClientConfig,
}

impl Tls {
    /// Trusts the authorities of the system, and those in `extra`, which is PEM.
    ///
    /// # Errors
    /// [`TlsError::NoCertificate`] when `extra` holds none.
    pub fn new(extra: Option<&str>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        let (added, _) = roots.add_parsable_certificates(found.certs);
        if let Some(extra) = extra {
            let extra = certificates(extra, "bundle of authorities")?;
            roots.add_parsable_certificates(extra);
        } else if added == 0 {
            tracing::warn!(errors = ?found.errors, "the system has no CA certificates: https targets cannot be reached");
        }
        let roots = Arc::new(roots);
        let config = builder(&roots)?.with_no_client_auth();
        Ok(Self { roots, config })
    }

    /// The same with a certificate to show, and only the authorities in `ca` if there are any.
    ///
    /// # Errors
    /// [`TlsError`] says which of them cannot be used.
    pub fn with_identity(&self, cert: &str, key: &str, ca: Option<&str>) -> Result<Self, TlsError> {
        let chain = certificates(cert, "client certificate")?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| TlsError::NoKey)?;
        let roots = match ca {
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                let (added, _) =
                    roots.add_parsable_certificates(certificates(ca, "authorities of the target")?);
                if added == 0 {
                    return Err(TlsError::NoCertificate("authorities of the target"));
                }
                Arc::new(roots)
            }
            None => Arc::clone(&self.roots),
        };
        let config = builder(&roots)?
            .with_client_auth_cert(chain, key)
            .map_err(|_| TlsError::Mismatch)?;
        Ok(Self { roots, config })
    }

    pub(super) fn config(&self) -> ClientConfig {
        self.config.clone()
    }
}

fn builder(
    roots: &Arc<RootCertStore>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(Arc::clone(roots)))
}

fn certificates(pem: &str, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(TlsError::NoCertificate(what)),
    }
}
