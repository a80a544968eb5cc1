//! HTTP without a client library: any bytes out, the answer back.

use reqwest::StatusCode;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::PATIENCE;

/// An answer as it stood on the wire, its body not chunked.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The text of a header, empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .next()
            .unwrap_or_default()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts that this is a problem of this status and code, and gives it.
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{code}: {}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json", "{code}");
        assert!(!self.header("x-request-id").is_empty(), "{code}: no request id");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{}", self.text());
        assert_eq!(problem["type"], format!("/problems/{code}"), "{}", self.text());
        assert_eq!(problem["status"], status, "{}", self.text());
        for member in ["title", "detail"] {
            let is_text = problem[member].as_str().is_some_and(|text| !text.is_empty());
            assert!(is_text, "{code} has no {member}: {}", self.text());
        }
        // A problem is for people: it does not give back a hostile input at full length.
        assert!(self.body.len() < 128 * 1024, "{code}: {} bytes", self.body.len());
        problem
    }

    fn text(&self) -> String {
        let end = self.body.len().min(2_000);
        format!("{}{}", self.head, String::from_utf8_lossy(&self.body[..end]))
    }
}

/// Sends bytes on a connection of their own as an ordinary client does, which writes everything
/// before it reads, and gives the answer. A connection that breaks before the answer is a failure.
pub(crate) async fn exchange(url: &str, bytes: &[u8]) -> Reply {
    converse(url, bytes, false).await
}

/// The same, but the client says that it will not write more.
pub(crate) async fn exchange_and_end(url: &str, bytes: &[u8]) -> Reply {
    converse(url, bytes, true).await
}

async fn converse(url: &str, bytes: &[u8], is_all: bool) -> Reply {
    let address = url.strip_prefix("http://").expect("an http URL");
    let talking = async {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(bytes).await.expect("everything is written");
        if is_all {
            stream.shutdown().await.expect("the end is written");
        }
        read_reply(&mut stream).await
    };
    let reply = tokio::time::timeout(PATIENCE + PATIENCE, talking).await;
    reply.expect("an answer in time")
}

async fn read_reply(stream: &mut TcpStream) -> Reply {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("the head of an answer"));
    }
    let head = String::from_utf8(head).expect("a head of ASCII");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let mut reply = Reply {
        status: status.unwrap_or_else(|| panic!("no status: {head}")),
        head,
        body: Vec::new(),
    };
    if reply.status == StatusCode::CONTINUE {
        return Box::pin(read_reply(stream)).await;
    }
    let length = reply.header("content-length").parse().unwrap_or(0);
    reply.body.resize(length, 0);
    stream
        .read_exact(&mut reply.body)
        .await
        .expect("the body of an answer");
    reply
}
