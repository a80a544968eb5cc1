//! What a server says, read from the connection: lines, and messages behind two of them.

use std::io;

use bytes::Bytes;
use serde::Deserialize;
use tokio::io::AsyncBufRead;
use tokio::io::AsyncBufReadExt as _;
use tokio::io::AsyncReadExt as _;

/// Longest line that is read, in bytes: `INFO` names every server of a cluster.
const MAX_LINE: u64 = 64 * 1024;
/// Largest message that is read, in bytes: acknowledgements are far smaller.
const MAX_MESSAGE: usize = 64 * 1024;

/// One thing that the server says.
#[derive(Debug)]
pub(super) enum Said {
    /// What it is and can do.
    Info(Info),
    /// A message for one of our subscriptions.
    Message(Answer),
    /// Wants to hear `PONG`.
    Ping,
    /// Has heard `PING` and everything before it.
    Pong,
    /// Something was wrong.
    Error(String),
    /// Nothing of interest.
    Nothing,
}

/// What a server is and can do. Other servers that it names are of no interest.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "so the protocol has it")]
pub(super) struct Info {
    /// Largest message in bytes, headers included.
    pub(super) max_payload: usize,
    /// Whether messages may have headers.
    #[serde(default)]
    pub(super) headers: bool,
    #[serde(default)]
    pub(super) tls_required: bool,
    #[serde(default)]
    pub(super) tls_available: bool,
    /// Whether it is about to stop.
    #[serde(default)]
    pub(super) ldm: bool,
}

/// What came for one of our messages.
#[derive(Debug)]
pub(super) struct Answer {
    /// What the reply subject ends with.
    pub(super) token: Option<u64>,
    /// A status instead of an answer: 503 when nobody listens.
    pub(super) status: Option<u16>,
    /// The answer.
    pub(super) payload: Bytes,
}

/// Reads the next thing. Not cancel-safe.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] for anything that is not the protocol; the others of the connection.
pub(super) async fn next<R: AsyncBufRead + Unpin>(from: &mut R) -> io::Result<Said> {
    let mut line = Vec::new();
    (&mut *from).take(MAX_LINE).read_until(b'\n', &mut line).await?;
    let Some(text) = line.strip_suffix(b"\n") else {
        return Err(if line.len() as u64 == MAX_LINE {
            invalid("the line is too long")
        } else {
            io::ErrorKind::UnexpectedEof.into()
        });
    };
    let text = std::str::from_utf8(text).map_err(|_| invalid("the line is not text"))?;
    let (verb, rest) = text.trim().split_once([' ', '\t']).unwrap_or((text.trim(), ""));
    match verb.to_ascii_uppercase().as_str() {
        "MSG" => message(from, rest, false).await.map(Said::Message),
        "HMSG" => message(from, rest, true).await.map(Said::Message),
        "PING" => Ok(Said::Ping),
        "PONG" => Ok(Said::Pong),
        "+OK" => Ok(Said::Nothing),
        "-ERR" => Ok(Said::Error(rest.trim().trim_matches('\'').to_owned())),
        "INFO" => serde_json::from_str(rest)
            .map(Said::Info)
            .map_err(|_| invalid("INFO is not JSON")),
        _ => Err(invalid("the line is unknown")),
    }
}

/// `MSG subject sid [reply] size` or `HMSG subject sid [reply] headers size`, and what follows.
async fn message<R: AsyncBufRead + Unpin>(from: &mut R, line: &str, has_headers: bool) -> io::Result<Answer> {
    let mut words = line.split_ascii_whitespace();
    let token = words
        .next()
        .and_then(|subject| subject.rsplit('.').next()?.parse().ok());
    let mut number = || words.next_back().and_then(|word| word.parse::<usize>().ok());
    let size = number();
    let headers = if has_headers { number() } else { Some(0) };
    let (Some(size), Some(headers)) = (size, headers) else {
        return Err(invalid("a message has no size"));
    };
    if size > MAX_MESSAGE || headers > size {
        return Err(invalid("the size of a message is wrong"));
    }
    let mut content = vec![0; size + 2];
    from.read_exact(&mut content).await?;
    if !content.ends_with(b"\r\n") {
        return Err(invalid("a message does not end where it should"));
    }
    content.truncate(size);
    let payload = content.split_off(headers);
    Ok(Answer {
        token,
        status: status(&content),
        payload: payload.into(),
    })
}

/// The number in `NATS/1.0 503`.
fn status(headers: &[u8]) -> Option<u16> {
    let digits = headers.strip_prefix(b"NATS/1.0 ")?.get(..3)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(mut text: &[u8]) -> io::Result<Said> {
        next(&mut text).await
    }

    #[tokio::test]
    async fn messages_are_read_with_and_without_headers() {
        let Said::Message(plain) = read(b"MSG _INBOX.x.7 1 2\r\n{}\r\n").await.unwrap() else {
            panic!()
        };
        assert_eq!(
            (plain.token, plain.status, &plain.payload[..]),
            (Some(7), None, &b"{}"[..])
        );
        let text = b"HMSG _INBOX.x.8 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n";
        let Said::Message(nobody) = read(text).await.unwrap() else {
            panic!()
        };
        assert_eq!(
            (nobody.token, nobody.status, nobody.payload.len()),
            (Some(8), Some(503), 0)
        );
        let text = b"HMSG a.b.9 1 some.reply 12 14\r\nNATS/1.0\r\n\r\nhi\r\n";
        let Said::Message(both) = read(text).await.unwrap() else {
            panic!()
        };
        assert_eq!(
            (both.token, both.status, &both.payload[..]),
            (Some(9), None, &b"hi"[..])
        );
    }

    #[tokio::test]
    async fn whatever_a_server_sends_is_an_error_and_bounded() {
        let long = vec![b'x'; 1 << 20];
        let cases: [&[u8]; 12] = [
            b"",
            b"PIN",
            b"\r\n",
            b"HTTP/1.1 400 Bad Request\r\n",
            b"\xff\xfe\n",
            b"INFO {\r\n",
            b"MSG\r\n",
            b"MSG a 1 99999999999999999999\r\n",
            b"MSG a 1 4294967296\r\n",
            b"HMSG a 1 5 4\r\nabcd\r\n",
            b"MSG a 1 2\r\nabcd",
            &long,
        ];
        for case in cases {
            assert!(
                read(case).await.is_err(),
                "{:?}",
                String::from_utf8_lossy(&case[..case.len().min(40)])
            );
        }
    }

    #[tokio::test]
    async fn an_error_is_said_without_its_quotes() {
        let Said::Error(error) = read(b"-ERR 'Authorization Violation'\r\n").await.unwrap() else {
            panic!()
        };
        assert_eq!(error, "Authorization Violation");
    }
}
