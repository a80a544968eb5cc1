//! Targets that only answer, each in its way; they end when dropped.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use std::time::Instant;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::wire::Wire;

/// A running target.
pub(crate) struct Answering {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    requests: Arc<AtomicU64>,
    _tasks: JoinSet<()>,
}

impl Answering {
    /// Answers at once that all is well.
    pub(crate) async fn well() -> Self {
        Self::start(b"HTTP/1.1 204 No Content\r\n\r\n", Duration::ZERO).await
    }

    /// Answers that all is well, after a while.
    pub(crate) async fn slowly(after: Duration) -> Self {
        Self::start(b"HTTP/1.1 204 No Content\r\n\r\n", after).await
    }

    /// Answers at once that it failed.
    pub(crate) async fn badly() -> Self {
        let answer = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n";
        Self::start(answer, Duration::ZERO).await
    }

    async fn start(answer: &'static [u8], after: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&requests);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let wire = Wire::over(stream).expect("an option");
                connections.spawn(serve(wire, answer, after, Arc::clone(&counted)));
                while connections.try_join_next().is_some() {}
            }
        });
        Self {
            address,
            requests,
            _tasks: tasks,
        }
    }

    /// Waits until so many requests came.
    ///
    /// # Panics
    /// When they do not come in time.
    pub(crate) async fn reached(&self, requests: u64, patience: Duration) {
        let until = Instant::now() + patience;
        while self.requests.load(Relaxed) < requests {
            let came = self.requests.load(Relaxed);
            assert!(Instant::now() < until, "{came} of {requests} requests came");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn serve(mut wire: Wire, answer: &[u8], after: Duration, requests: Arc<AtomicU64>) {
    while let Ok(Some(_)) = wire.receive().await {
        requests.fetch_add(1, Relaxed);
        if !after.is_zero() {
            tokio::time::sleep(after).await;
        }
        if wire.send(answer).await.is_err() {
            return;
        }
    }
}
