//! A way to a broker that can be cut: in the middle of everything, or for what comes back only.

use std::net::SocketAddr;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the way does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Carries both directions.
    Open,
    /// Keeps what comes back.
    Deaf,
    /// Has ended every connection, and takes no other one.
    Cut,
}

/// A way to a port of this machine. Ends when dropped.
pub(crate) struct Cut {
    address: SocketAddr,
    state: watch::Sender<State>,
    _carrying: JoinSet<()>,
}

impl Cut {
    /// A way that carries everything.
    pub(crate) async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = watch::Sender::new(State::Open);
        let mut carrying = JoinSet::new();
        carrying.spawn(listen(listener, port, state.clone()));
        Self {
            address,
            state,
            _carrying: carrying,
        }
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Keeps what comes back from now on: what is sent arrives, its answers do not.
    pub(crate) fn keep_answers(&self) {
        self.state.send_replace(State::Deaf);
    }

    /// Carries both directions again.
    pub(crate) fn mend(&self) {
        self.state.send_replace(State::Open);
    }

    /// Ends every connection, now.
    pub(crate) fn cut(&self) {
        self.state.send_replace(State::Cut);
    }
}

async fn listen(listener: TcpListener, port: u16, state: watch::Sender<State>) {
    let mut serving = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        let state = state.subscribe();
        serving.spawn(async move { carry(near, port, state).await });
    }
}

async fn carry(near: TcpStream, port: u16, state: watch::Receiver<State>) {
    let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    let mut until = state.clone();
    tokio::select! {
        _ = until.wait_for(|state| *state == State::Cut) => {}
        _ = forward(near_read, far_write, None) => {}
        _ = forward(far_read, near_write, Some(state)) => {}
    }
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    state: Option<watch::Receiver<State>>,
) -> Option<()> {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let len = from.read(&mut bytes).await.ok().filter(|len| *len > 0)?;
        let is_kept = state.as_ref().is_some_and(|state| *state.borrow() != State::Open);
        if !is_kept {
            to.write_all(bytes.get(..len)?).await.ok()?;
        }
    }
}
