//! What the AMQP client runs on: tokio, but for connections, which are made by the guard alone.

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use std::time::Instant;

use async_rs::Tokio;
use async_rs::traits::Executor;
use async_rs::traits::Reactor;
use async_rs::traits::RuntimeKit;
use async_rs::util::Task;
use futures_util::Stream;
use futures_util::io::AsyncRead;
use futures_util::io::AsyncWrite;

use super::wire::Wire;

/// The runtime of one link.
#[derive(Debug, Clone)]
pub(super) struct Kit(Tokio);

impl Kit {
    /// The runtime that the caller is in.
    pub(super) fn current() -> Self {
        Self(Tokio::current())
    }
}

impl RuntimeKit for Kit {}

impl Executor for Kit {
    type Task<T: Send + 'static> = <Tokio as Executor>::Task<T>;

    fn block_on<T, F: Future<Output = T>>(&self, future: F) -> T {
        self.0.block_on(future)
    }

    fn spawn<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        future: F,
    ) -> Task<Self::Task<T>> {
        self.0.spawn(future)
    }

    fn spawn_blocking<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(
        &self,
        work: F,
    ) -> Task<Self::Task<T>> {
        self.0.spawn_blocking(work)
    }
}

impl Reactor for Kit {
    type TcpStream = Wire;
    type Sleep = <Tokio as Reactor>::Sleep;

    /// Refuses, as [`tcp_connect_addr`](Self::tcp_connect_addr) does.
    fn register<H: io::Read + io::Write + Send + 'static>(
        &self,
        _: H,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        Err::<Wire, _>(io::ErrorKind::PermissionDenied.into())
    }

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.0.sleep(duration)
    }

    fn interval(&self, duration: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.0.interval(duration)
    }

    /// Refuses: whatever is connected to here was not looked at by the guard.
    fn tcp_connect_addr(
        &self,
        _: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        ready(Err(io::ErrorKind::PermissionDenied.into()))
    }
}
