//! A way to a broker that can keep the answers back, or be cut in the middle of everything.

use std::net::SocketAddr;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What happens to the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Passes,
    Holds,
    Cuts,
}

/// A running relay; ends when dropped.
pub(crate) struct Relay {
    address: SocketAddr,
    manner: watch::Sender<Manner>,
    _listening: JoinSet<()>,
}

impl Relay {
    /// A relay to a port of this machine, which passes everything on.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let manner = watch::Sender::new(Manner::Passes);
        let mut listening = JoinSet::new();
        listening.spawn(listen(listener, port, manner.clone()));
        Self {
            address,
            manner,
            _listening: listening,
        }
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Keeps what the server says from now on: what is sent arrives, its answers do not.
    pub(crate) fn hold(&self) {
        self.manner.send_replace(Manner::Holds);
    }

    /// Passes on what it has kept, and everything else.
    pub(crate) fn release(&self) {
        self.manner.send_replace(Manner::Passes);
    }

    /// Ends every connection, with what it has kept, and those that come until it is released.
    pub(crate) fn cut(&self) {
        self.manner.send_replace(Manner::Cuts);
    }
}

async fn listen(listener: TcpListener, port: u16, manner: watch::Sender<Manner>) {
    let mut serving = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.expect("a connection");
        serving.spawn(relay(client, port, manner.subscribe()));
    }
}

async fn relay(client: TcpStream, port: u16, manner: watch::Receiver<Manner>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut cut = manner.clone();
    tokio::select! {
        () = pass(from_client, to_server, None) => {}
        () = pass(from_server, to_client, Some(manner)) => {}
        _ = cut.wait_for(|manner| *manner == Manner::Cuts) => {}
    }
}

/// Passes on until either end closes.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut manner: Option<watch::Receiver<Manner>>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if let Some(manner) = manner.as_mut() {
            drop(manner.wait_for(|manner| *manner == Manner::Passes).await);
        }
        let read = buffer.get(..count).unwrap_or_default();
        if to.write_all(read).await.is_err() {
            return;
        }
    }
}
