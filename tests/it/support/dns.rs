//! A DNS server of the tests' own, over UDP and TCP, and a file system in which it is the system's.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// Longest answer that goes over UDP; of a longer one only its head, which says that it is cut.
const MAX_UDP: usize = 512;
const A: [u8; 2] = [0, 1];
const CNAME: [u8; 2] = [0, 5];

/// What the server answers to one question for the addresses of a name.
#[derive(Debug, Clone)]
pub(crate) enum DnsAnswer {
    /// These addresses, for no time at all.
    Addresses(Vec<Ipv4Addr>),
    /// An error: 2 is SERVFAIL, 3 is NXDOMAIN.
    Error(u8),
    /// The name is another name, which is the first one, and so on.
    Loop(&'static str),
    /// These addresses, after this time.
    Late(Duration, Vec<Ipv4Addr>),
}

/// Gives the answer to the nth question, counted from 1.
type Script = Box<dyn Fn(usize) -> DnsAnswer + Send>;

struct Shared {
    script: Mutex<Script>,
    /// Questions for IPv4 addresses. Those for IPv6 come right behind them, and there are none.
    asked: Mutex<usize>,
    /// Connections over TCP.
    connections: AtomicUsize,
}

/// A running server; ends when dropped.
pub(crate) struct Dns {
    shared: Arc<Shared>,
    files: TempDir,
    _serving: JoinSet<()>,
}

impl Dns {
    /// Answers every question as `script` says. Needs root: resolvers ask port 53 only.
    pub(crate) async fn answering(script: impl Fn(usize) -> DnsAnswer + Send + 'static) -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        // Of the process and of the test: others may run at the same time.
        let of_process = u8::try_from(std::process::id() % 250).expect("less than 250");
        let address = Ipv4Addr::new(127, 53, of_process, NEXT.fetch_add(1, Ordering::Relaxed));
        let address = SocketAddr::from((address, 53));
        let udp = UdpSocket::bind(address).await;
        let udp = udp.unwrap_or_else(|error| panic!("{address}: {error}; this test needs root"));
        let tcp = TcpListener::bind(address).await.expect("port 53");
        let shared = Arc::new(Shared {
            script: Mutex::new(Box::new(script)),
            asked: Mutex::default(),
            connections: AtomicUsize::new(0),
        });
        let mut serving = JoinSet::new();
        serving.spawn(serve_udp(udp, Arc::clone(&shared)));
        serving.spawn(serve_tcp(tcp, Arc::clone(&shared)));
        Self {
            shared,
            files: files(address.ip()),
            _serving: serving,
        }
    }

    /// Questions so far.
    pub(crate) fn asked(&self) -> usize {
        *self.shared.asked.lock().expect("no panic")
    }

    /// Connections over TCP so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Answers every question with these addresses from now on.
    pub(crate) fn answer(&self, addresses: &'static [Ipv4Addr]) {
        let script: Script = Box::new(move |_| DnsAnswer::Addresses(addresses.to_vec()));
        *self.shared.script.lock().expect("no panic") = script;
    }

    /// The words before a command that make this server its resolver.
    pub(crate) fn wrapper(&self) -> Vec<String> {
        const RUN: &str = "for name in resolv.conf nsswitch.conf hosts; do \
                           mount --bind \"$0/$name\" \"/etc/$name\" || exit 71; done; exec \"$@\"";
        let words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", RUN];
        let mut words: Vec<_> = words.map(str::to_owned).into();
        words.push(self.files.path().display().to_string());
        words
    }
}

/// What the system reads to resolve a name: it asks this server, and knows nothing else.
fn files(server: IpAddr) -> TempDir {
    let dir = TempDir::new().expect("a directory");
    let resolv = format!("nameserver {server}\noptions attempts:1 timeout:10\n");
    for (name, text) in [
        ("resolv.conf", resolv.as_str()),
        ("nsswitch.conf", "hosts: files dns\n"),
        ("hosts", "127.0.0.1 localhost\n"),
    ] {
        std::fs::write(dir.path().join(name), text).expect("a file");
    }
    dir
}

async fn serve_udp(socket: UdpSocket, shared: Arc<Shared>) {
    let (socket, mut late) = (Arc::new(socket), JoinSet::new());
    let mut query = [0; 1024];
    loop {
        let (length, from) = socket.recv_from(&mut query).await.expect("a query");
        let (answer, delay) = shared.answer(&query[..length]);
        let answer = cut(answer);
        let socket = Arc::clone(&socket);
        late.spawn(async move {
            tokio::time::sleep(delay).await;
            socket.send_to(&answer, from).await.expect("an answer goes out");
        });
    }
}

async fn serve_tcp(listener: TcpListener, shared: Arc<Shared>) {
    let mut serving = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        shared.connections.fetch_add(1, Ordering::Relaxed);
        serving.spawn(talk(stream, Arc::clone(&shared)));
    }
}

/// Answers what comes over one connection until it ends.
async fn talk(mut stream: TcpStream, shared: Arc<Shared>) {
    while let Ok(length) = stream.read_u16().await {
        let mut query = vec![0; usize::from(length)];
        if stream.read_exact(&mut query).await.is_err() {
            return;
        }
        let (answer, _) = shared.answer(&query);
        let length = u16::try_from(answer.len()).expect("a short answer");
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend(answer);
        if stream.write_all(&framed).await.is_err() {
            return;
        }
    }
}

impl Shared {
    fn answer(&self, query: &[u8]) -> (Vec<u8>, Duration) {
        let question = question(query);
        let is_v4 = question[question.len() - 4..question.len() - 2] == A;
        let asked = {
            let mut asked = self.asked.lock().expect("no panic");
            *asked += usize::from(is_v4);
            *asked
        };
        let answer = (self.script.lock().expect("no panic"))(asked);
        let delay = match &answer {
            DnsAnswer::Late(delay, _) => *delay,
            _ => Duration::ZERO,
        };
        (message(query, question, &answer, is_v4), delay)
    }
}

/// The question of a query: a name, a type and a class. There is one, behind the head of 12 bytes.
fn question(query: &[u8]) -> &[u8] {
    let mut end = 12;
    while query[end] != 0 {
        end += 1 + usize::from(query[end]);
    }
    &query[12..end + 5]
}

/// An answer (RFC 1035, 4.1): id, flags, counts, the question again, the records.
fn message(query: &[u8], question: &[u8], answer: &DnsAnswer, is_v4: bool) -> Vec<u8> {
    /// Points to the name in the question.
    const ASKED: [u8; 2] = [0xc0, 12];
    let (mut code, mut records) = (0, Vec::new());
    match answer {
        DnsAnswer::Error(error) => code = *error,
        DnsAnswer::Addresses(found) | DnsAnswer::Late(_, found) if is_v4 => {
            let record = |address: &Ipv4Addr| record(&ASKED, A, &address.octets());
            records.extend(found.iter().map(record));
        }
        DnsAnswer::Addresses(_) | DnsAnswer::Late(..) => {}
        DnsAnswer::Loop(other) => {
            let other = labels(other);
            records.push(record(&ASKED, CNAME, &other));
            records.push(record(&other, CNAME, &ASKED));
        }
    }
    let mut message = query[..2].to_vec();
    // An answer with recursion, wanted and available.
    message.extend([0x81, 0x80 | code, 0, 1]);
    message.extend(u16::try_from(records.len()).expect("few records").to_be_bytes());
    message.extend([0; 4]);
    message.extend(question);
    message.extend(records.concat());
    message
}

/// A record of the class IN that may not be kept.
fn record(name: &[u8], kind: [u8; 2], data: &[u8]) -> Vec<u8> {
    let mut record = name.to_vec();
    record.extend(kind);
    record.extend([0, 1, 0, 0, 0, 0]);
    record.extend(u16::try_from(data.len()).expect("short data").to_be_bytes());
    record.extend(data);
    record
}

fn labels(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).expect("a short label"));
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

/// The answer if it fits into a datagram, or its head and question, marked as cut.
fn cut(mut answer: Vec<u8>) -> Vec<u8> {
    if answer.len() > MAX_UDP {
        answer.truncate(12 + question(&answer).len());
        answer[2] |= 0x02;
        answer[6..8].fill(0);
    }
    answer
}
