//! Just enough HTTP/1.1 to be a light peer: whole messages with a content length, one at a time.

use std::io;
use std::net::SocketAddr;

use bytes::Buf as _;
use bytes::BytesMut;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// A keep-alive connection.
pub(crate) struct Wire {
    stream: TcpStream,
    input: BytesMut,
    /// Bytes of the message that was handed out last.
    seen: usize,
}

/// One message, valid until the next is read.
pub(crate) struct Message<'a> {
    /// Start line and headers.
    pub(crate) head: &'a [u8],
    /// The body.
    pub(crate) body: &'a [u8],
}

impl Wire {
    /// Connects to a server.
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Self> {
        Self::over(TcpStream::connect(address).await?)
    }

    /// Talks over an accepted connection.
    pub(crate) fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let input = BytesMut::with_capacity(16 * 1024);
        Ok(Self {
            stream,
            input,
            seen: 0,
        })
    }

    /// Sends a whole message.
    pub(crate) async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.stream.write_all(message).await
    }

    /// The next message; `None` when the peer has closed the connection.
    pub(crate) async fn receive(&mut self) -> io::Result<Option<Message<'_>>> {
        self.input.advance(std::mem::take(&mut self.seen));
        let (head, end) = loop {
            if let Some(ends) = ends(&self.input) {
                break ends;
            }
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Ok(None);
            }
        };
        self.seen = end;
        let (message, _) = self.input.split_at(end);
        let (head, body) = message.split_at(head);
        Ok(Some(Message { head, body }))
    }
}

/// Where head and message end, once all of it is there.
fn ends(input: &[u8]) -> Option<(usize, usize)> {
    let head = 4 + input.windows(4).position(|four| four == b"\r\n\r\n")?;
    let end = head + content_length(input.get(..head)?);
    (input.len() >= end).then_some((head, end))
}

fn content_length(head: &[u8]) -> usize {
    let name = b"content-length:";
    let length = head.split(|byte| *byte == b'\n').find_map(|line| {
        let (start, value) = line.split_at_checked(name.len())?;
        let value = start.eq_ignore_ascii_case(name).then_some(value)?;
        str::from_utf8(value).ok()?.trim().parse().ok()
    });
    length.unwrap_or(0)
}
