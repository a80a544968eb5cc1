//! A webhook receiver that plays a script on the bare socket, byte by byte, and no HTTP server at all.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::PATIENCE;

/// One thing done to a connection.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Reads one request, head and body.
    Read,
    /// Reads one record of a TLS handshake, and takes nothing else for one.
    ReadRecord,
    /// Writes these bytes.
    Write(Cow<'static, str>),
    /// Writes this much of nothing in particular, unless the other side has enough before.
    Flood(u64),
    /// Writes these bytes one by one, with this much time between them.
    Drip(&'static str, Duration),
    /// Says nothing more and waits until the other side closes.
    Hang,
    /// Closes at once and impolitely: a reset.
    Reset,
}

impl Step {
    /// Writes a text.
    pub(crate) fn write(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Write(text.into())
    }
}

/// One request as it stood on the wire.
#[derive(Debug, Clone)]
pub(crate) struct RawRequest {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl RawRequest {
    /// The text of a header, empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .next()
            .unwrap_or_default()
    }
}

/// What happened so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Connections accepted.
    pub(crate) connections: usize,
    /// Connections that are over, whoever ended them.
    pub(crate) ended: usize,
    /// Records of TLS handshakes read.
    pub(crate) handshakes: usize,
    /// Requests read, in order.
    pub(crate) requests: Vec<RawRequest>,
}

/// A running receiver; ends when dropped. A script that is over closes its connection.
pub(crate) struct Evil {
    address: SocketAddr,
    seen: watch::Sender<Seen>,
    _listening: JoinSet<()>,
}

impl Evil {
    /// Plays the same steps on every connection.
    pub(crate) async fn playing(steps: impl Into<Vec<Step>>) -> Self {
        let steps = steps.into();
        Self::scripted("127.0.0.1:0", move |_| steps.clone()).await
    }

    /// Plays the steps that `script` says for each connection, counted from 1.
    pub(crate) async fn scripted(
        address: &str,
        script: impl Fn(usize) -> Vec<Step> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = watch::Sender::new(Seen::default());
        let mut listening = JoinSet::new();
        listening.spawn(listen(listener, seen.clone(), Box::new(script)));
        Self {
            address,
            seen,
            _listening: listening,
        }
    }

    /// The URL of a path of the receiver.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// What happened so far.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// What happened, once `is_enough` says so.
    pub(crate) async fn wait_for(&self, what: &str, is_enough: impl FnMut(&Seen) -> bool) -> Seen {
        let mut seen = self.seen.subscribe();
        let coming = tokio::time::timeout(PATIENCE, seen.wait_for(is_enough)).await;
        assert!(coming.is_ok(), "never happened: {what}; {:?}", self.seen());
        self.seen()
    }
}

type Script = Box<dyn Fn(usize) -> Vec<Step> + Send>;

async fn listen(listener: TcpListener, seen: watch::Sender<Seen>, script: Script) {
    let seen = Arc::new(seen);
    let mut playing = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        seen.send_modify(|seen| seen.connections += 1);
        let steps = script(seen.borrow().connections);
        let seen = Arc::clone(&seen);
        playing.spawn(async move {
            play(stream, &steps, &seen).await;
            seen.send_modify(|seen| seen.ended += 1);
        });
    }
}

/// Ends early when the other side is gone: then there is nobody to be evil to.
async fn play(mut stream: TcpStream, steps: &[Step], seen: &watch::Sender<Seen>) {
    for step in steps {
        let is_open = match step {
            Step::Read => match read_request(&mut stream).await {
                Some(request) => {
                    seen.send_modify(|seen| seen.requests.push(request));
                    true
                }
                None => false,
            },
            Step::ReadRecord => match read_record(&mut stream).await {
                Some(()) => {
                    seen.send_modify(|seen| seen.handshakes += 1);
                    true
                }
                None => false,
            },
            Step::Write(bytes) => stream.write_all(bytes.as_bytes()).await.is_ok(),
            Step::Flood(total) => flood(&mut stream, *total).await,
            Step::Drip(bytes, pause) => drip(&mut stream, bytes, *pause).await,
            Step::Hang => {
                let mut rest = [0; 1024];
                while matches!(stream.read(&mut rest).await, Ok(1..)) {}
                false
            }
            Step::Reset => {
                stream.set_zero_linger().expect("a socket option");
                false
            }
        };
        if !is_open {
            return;
        }
    }
}

async fn flood(stream: &mut TcpStream, total: u64) -> bool {
    let chunk = vec![b'x'; 64 * 1024];
    let mut left = total;
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
        if stream.write_all(&chunk[..part]).await.is_err() {
            return false;
        }
        left -= part as u64;
    }
    true
}

async fn drip(stream: &mut TcpStream, bytes: &str, pause: Duration) -> bool {
    let mut next = tokio::time::interval(pause);
    for byte in bytes.bytes() {
        next.tick().await;
        if stream.write_all(&[byte]).await.is_err() {
            return false;
        }
    }
    true
}

/// One request; nothing when the other side closes first. The head is taken byte by byte, so
/// that nothing behind the request is lost.
async fn read_request(stream: &mut TcpStream) -> Option<RawRequest> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let mut request = RawRequest {
        head: String::from_utf8(head).expect("a head of ASCII"),
        body: Vec::new(),
    };
    let length = request.header("content-length").parse().unwrap_or(0);
    request.body.resize(length, 0);
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}

/// One record of a TLS handshake, whatever it says; nothing when something else comes.
async fn read_record(stream: &mut TcpStream) -> Option<()> {
    let mut head = [0; 5];
    stream.read_exact(&mut head).await.ok()?;
    let [0x16, 3, _, high, low] = head else {
        return None;
    };
    let mut rest = vec![0; usize::from(u16::from_be_bytes([high, low]))];
    stream.read_exact(&mut rest).await.ok()?;
    Some(())
}
