//! Stands between a client and a server, and can keep the answers back or cut the connection.

use std::net::SocketAddr;

use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
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

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Keeps what the server says from now on.
    pub(crate) fn hold(&self) {
        self.manner.send_replace(Manner::Holds);
    }

    /// Passes on what it has kept, and everything else.
    pub(crate) fn release(&self) {
        self.manner.send_replace(Manner::Passes);
    }

    /// Ends every connection, with what it has kept.
    pub(crate) fn cut(&self) {
        self.manner.send_replace(Manner::Cuts);
    }
}

async fn listen(listener: TcpListener, port: u16, manner: watch::Sender<Manner>) {
    let mut serving = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.expect("a connection");
        let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else {
            continue;
        };
        let mut manner = manner.subscribe();
        serving.spawn(async move {
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let mut cut = manner.clone();
            tokio::select! {
                () = pass(from_client, to_server, None) => {}
                () = pass(from_server, to_client, Some(&mut manner)) => {}
                _ = cut.wait_for(|manner| *manner == Manner::Cuts) => {}
            }
        });
    }
}

/// Passes on until either end closes.
async fn pass<R: AsyncRead + Unpin>(
    mut from: R,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut manner: Option<&mut watch::Receiver<Manner>>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if let Some(manner) = manner.as_mut() {
            drop(manner.wait_for(|manner| *manner == Manner::Passes).await);
        }
        if to
            .write_all(buffer.get(..count).unwrap_or_default())
            .await
            .is_err()
        {
            return;
        }
    }
}
