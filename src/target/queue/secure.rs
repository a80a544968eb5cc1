//! TLS on a connection that began without it, as NATS and `PostgreSQL` have it.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Trouble;
use crate::egress::Dialer;

/// What both a plain and a secured connection are.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// Agrees on TLS with the peer, whose certificate must be for `host`.
///
/// # Errors
/// `tls_error`; the connection is gone.
pub(super) async fn secured<S>(stream: S, host: &str, dialer: &Dialer) -> Result<TlsStream<S>, Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let plain = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(plain)
        .map_err(|_| insecure(host, "the host is not a name that a certificate can have"))?;
    TlsConnector::from(Arc::new(dialer.tls()))
        .connect(name, stream)
        .await
        .map_err(|error| insecure(host, &error.to_string()))
}

fn insecure(host: &str, why: &str) -> Trouble {
    Trouble::later("tls_error", format!("no secure connection to {host}: {why}")).fatal()
}
