//! The accept loop: bounded connections, timeouts for silent ones, graceful end.

use std::io;
use std::io::Cursor;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::guard::Guarded;

/// Connections served at once at most; more wait in the backlog of the socket.
pub const MAX_CONNECTIONS: usize = 10_000;
/// A client that has not sent its headers by then is not served. Idle connections end then too,
/// so it is as long as connection pools like it.
const HEADER_TIMEOUT: Duration = Duration::from_mins(1);
/// An HTTP/2 connection that is silent for this long is asked whether anybody is there.
const PING_EVERY: Duration = Duration::from_secs(30);
/// And ends when no answer to that has come by then.
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// What an HTTP/2 connection begins with (RFC 9113, 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
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

    /// Serves until `stop`, at most so many connections at once, then lets requests in flight end
    /// within a bound.
    pub async fn run(self, service: Guarded, places: usize, stop: CancellationToken) {
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
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_TIMEOUT)
            .max_concurrent_streams(100)
            .max_header_list_size(16 * 1024);
        let builder = Arc::new(builder);
        let places = Arc::new(Semaphore::new(places));
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
            let begun = stop.clone().run_until_cancelled_owned(begin(stream));
            connections.spawn(async move {
                let Some(Some(stream)) = begun.await else { return };
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

/// Waits until the client has said which version of HTTP it speaks, which hyper does without a
/// bound; `None` when it does not.
async fn begin(mut stream: TcpStream) -> Option<impl AsyncRead + AsyncWrite> {
    let mut said = Vec::with_capacity(HTTP2_PREFACE.len());
    let saying = async {
        while said.len() < HTTP2_PREFACE.len() && HTTP2_PREFACE.starts_with(&said) {
            let missing = u64::try_from(HTTP2_PREFACE.len() - said.len()).unwrap_or(0);
            if (&mut stream).take(missing).read_buf(&mut said).await? == 0 {
                break;
            }
        }
        io::Result::Ok(())
    };
    tokio::time::timeout(HEADER_TIMEOUT, saying).await.ok()?.ok()?;
    if said.is_empty() {
        return None;
    }
    let (rest, answers) = stream.into_split();
    Some(tokio::io::join(Cursor::new(said).chain(rest), answers))
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
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

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    /// A server's and a client's end of one connection.
    async fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (listener.accept().await.unwrap().0, client)
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_say_a_version_of_http_loses_the_place() {
        for said in ["", "P", "PRI * HTTP/2.0\r\n"] {
            let (server, mut client) = connection().await;
            client.write_all(said.as_bytes()).await.unwrap();
            let started = tokio::time::Instant::now();
            assert!(begin(server).await.is_none(), "{said:?}");
            assert!(started.elapsed() >= HEADER_TIMEOUT, "{said:?}");
        }
    }

    #[tokio::test]
    async fn what_was_said_to_tell_the_version_is_still_read() {
        for said in [
            "G",
            "POST / HTTP/1.1\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore",
        ] {
            let (server, mut client) = connection().await;
            client.write_all(said.as_bytes()).await.unwrap();
            let mut stream = begin(server).await.unwrap();
            drop(client);
            let mut read = String::new();
            stream.read_to_string(&mut read).await.unwrap();
            assert_eq!(read, said);
        }
    }
}
