//! The accept loop: bounded connections, header timeout, graceful end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::guard::Guarded;

/// Connections served at once; more wait in the backlog of the socket.
const MAX_CONNECTIONS: usize = 10_000;
/// A client that has not sent its headers by then is not served. Idle connections end then too,
/// so it is as long as connection pools like it.
const HEADER_TIMEOUT: Duration = Duration::from_mins(1);
/// Most bytes of request headers.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// On stop, requests in flight have this long to end.
const DRAIN: Duration = Duration::from_secs(10);
/// After a failed accept (no file descriptors left), wait before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A bound address that serves once it is run.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// Another process has the port.
    #[error("{0} is in use by another process; choose another address with --listen, such as --listen {1}:0")]
    InUse(SocketAddr, std::net::IpAddr),
    /// The system refused for another reason.
    #[error("cannot listen on {0}")]
    Bind(SocketAddr, #[source] io::Error),
}

impl Server {
    /// Takes the address. Connections wait until [`run`](Self::run).
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let bound = async {
            let listener = TcpListener::bind(address).await?;
            let address = listener.local_addr()?;
            Ok(Self { listener, address })
        };
        bound.await.map_err(|error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => ServerError::InUse(address, address.ip()),
            _ => ServerError::Bind(address, error),
        })
    }

    /// The address taken, with the real port.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then lets requests in flight end within a bound.
    pub async fn run(self, service: Guarded, stop: CancellationToken) {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(MAX_HEADER_BYTES)
            // A client that sent too little and says so is told what is missing.
            .half_close(true);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(100)
            .max_header_list_size(16 * 1024);
        let builder = Arc::new(builder);
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        loop {
            // Reaping keeps the set as small as the connections that are open.
            while connections.try_join_next().is_some() {}
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = accept(&self.listener, &places) => accepted,
            };
            let Some((stream, place)) = accepted else {
                stop.run_until_cancelled(tokio::time::sleep(ACCEPT_PAUSE)).await;
                continue;
            };
            let (builder, service, watcher) = (Arc::clone(&builder), service.clone(), graceful.watcher());
            connections.spawn(async move {
                let connection = builder
                    .serve_connection(TokioIo::new(stream), service)
                    .into_owned();
                // How a connection ends is the client's business; requests report their own errors.
                drop(watcher.watch(connection).await);
                drop(place);
            });
        }
        drop(self.listener);
        if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were cut off by the stop");
        }
        connections.shutdown().await;
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            stream.set_nodelay(true).ok()?;
            Some((stream, place))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            None
        }
    }
}
