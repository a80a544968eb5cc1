//! A forward proxy: opens the connections that it is asked for with `CONNECT`, and notes which.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::PATIENCE;

/// One request for a connection.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `host:port`, as it was sent.
    pub(crate) target: String,
    /// The whole head.
    pub(crate) head: String,
}

/// What the proxy does when it is asked for a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    /// Connects to what it is asked for.
    Connects,
    /// Connects to this, whatever it is asked for: it knows other names.
    ConnectsTo(SocketAddr),
    /// Answers this and closes.
    Answers(&'static str),
}

/// A running proxy on 127.0.0.3; ends when dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    asked: watch::Sender<Vec<Asked>>,
    _listening: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.3:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = watch::Sender::new(Vec::new());
        let mut listening = JoinSet::new();
        listening.spawn(listen(listener, manner, Arc::new(asked.clone())));
        Self {
            address,
            asked,
            _listening: listening,
        }
    }

    /// Its URL, with credentials if there are any: `user:password@`.
    pub(crate) fn url(&self, credentials: &str) -> String {
        format!("http://{credentials}{}", self.address)
    }

    /// What it was asked for so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.borrow().clone()
    }

    /// What it was asked for, once that is so much.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Asked> {
        let mut asked = self.asked.subscribe();
        let coming = tokio::time::timeout(PATIENCE, asked.wait_for(|asked| asked.len() >= count)).await;
        assert!(coming.is_ok(), "asked {} times of {count}", self.asked().len());
        self.asked()
    }
}

async fn listen(listener: TcpListener, manner: Manner, asked: Arc<watch::Sender<Vec<Asked>>>) {
    let mut serving = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let asked = Arc::clone(&asked);
        serving.spawn(async move { serve(stream, manner, &asked).await });
    }
}

/// Serves one client until either side is gone; nobody waits for how that ended.
async fn serve(mut client: TcpStream, manner: Manner, asked: &watch::Sender<Vec<Asked>>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).expect("a head of ASCII");
    let target = head
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split(' ').next());
    let target = target.unwrap_or_default().to_owned();
    let request = Asked {
        target: target.clone(),
        head,
    };
    asked.send_modify(|asked| asked.push(request));
    let mut target = match manner {
        Manner::Connects => TcpStream::connect(target).await.ok()?,
        Manner::ConnectsTo(address) => TcpStream::connect(address).await.ok()?,
        Manner::Answers(text) => return client.write_all(text.as_bytes()).await.ok(),
    };
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.ok()?;
    tokio::io::copy_bidirectional(&mut client, &mut target)
        .await
        .ok()?;
    Some(())
}
