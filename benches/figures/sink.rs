//! The target of the delivery figure: notes when each event arrives first.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;
use std::time::Instant;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::payload;
use super::wire::Wire;

/// A webhook on a real socket; ends when dropped.
pub(crate) struct Sink {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    arrivals: Arc<Vec<OnceLock<Instant>>>,
    _tasks: JoinSet<()>,
}

impl Sink {
    /// A sink for events with ids below `count`.
    pub(crate) async fn start(count: usize) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let arrivals: Arc<Vec<_>> = Arc::new((0..count).map(|_| OnceLock::new()).collect());
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&arrivals)));
        Self {
            address,
            arrivals,
            _tasks: tasks,
        }
    }

    /// When each event arrived, by id; waits `patience` for those on their way.
    pub(crate) async fn arrivals(&self, patience: Duration) -> Vec<Option<Instant>> {
        let until = Instant::now() + patience;
        while Instant::now() < until && self.arrivals.iter().any(|arrival| arrival.get().is_none()) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.arrivals
            .iter()
            .map(|arrival| arrival.get().copied())
            .collect()
    }
}

async fn accept(listener: TcpListener, arrivals: Arc<Vec<OnceLock<Instant>>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let wire = Wire::over(stream).expect("an option");
        connections.spawn(receive(wire, Arc::clone(&arrivals)));
    }
}

async fn receive(mut wire: Wire, arrivals: Arc<Vec<OnceLock<Instant>>>) {
    while let Ok(Some(request)) = wire.receive().await {
        let arrived = Instant::now();
        let id = payload::id_of(request.body).and_then(|id| usize::try_from(id).ok());
        let arrival = id.and_then(|id| arrivals.get(id)).expect("an event of this run");
        arrival.get_or_init(|| arrived);
        let answered = wire.send(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        if answered.is_err() {
            return;
        }
    }
}
