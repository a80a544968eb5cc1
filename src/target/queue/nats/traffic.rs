//! The two tasks of a connection: one that writes messages, one that reads answers.

use std::io;
use std::sync::Arc;

use tokio::io::AsyncBufRead;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

use super::frame::Frame;
use super::shared::Shared;
use super::wire;
use super::wire::Said;

/// Messages that wait to be written; publishers wait behind them.
pub(super) const QUEUE: usize = 256;
/// Messages that are taken on at once.
const BATCH: usize = 64;
/// Bytes gathered for one write; larger payloads are written as they are.
const GATHERED: usize = 64 * 1024;

/// What the writer is to do.
#[derive(Debug)]
pub(super) enum Order {
    /// Writes a message.
    Publish(Frame),
    /// Writes what is left and closes.
    Close,
}

/// Writes until it is told to close or the connection fails.
pub(super) async fn write<W>(mut to: W, mut orders: mpsc::Receiver<Order>, shared: Arc<Shared>)
where
    W: AsyncWrite + Unpin,
{
    let mut batch = Vec::with_capacity(BATCH);
    let mut gathered = Vec::with_capacity(GATHERED);
    loop {
        gathered.clear();
        let is_ping = tokio::select! {
            () = shared.pinged.notified() => true,
            _ = orders.recv_many(&mut batch, BATCH) => false,
        };
        if is_ping {
            gathered.extend_from_slice(b"PONG\r\n");
        }
        // No orders are left when the link is gone.
        let is_last =
            !is_ping && (batch.is_empty() || batch.iter().any(|order| matches!(order, Order::Close)));
        let written = async {
            for order in batch.drain(..) {
                if let Order::Publish(frame) = order {
                    gather(&mut to, &mut gathered, &frame).await?;
                }
            }
            to.write_all(&gathered).await?;
            to.flush().await
        };
        if let Err(error) = written.await {
            return shared.fail(&error);
        }
        if is_last {
            // It is over either way.
            drop(to.shutdown().await);
            return shared.finish("it was closed".to_owned());
        }
    }
}

async fn gather<W: AsyncWrite + Unpin>(to: &mut W, gathered: &mut Vec<u8>, frame: &Frame) -> io::Result<()> {
    gathered.extend_from_slice(&frame.head);
    if gathered.len() + frame.body.len() > GATHERED {
        to.write_all(gathered).await?;
        gathered.clear();
        to.write_all(&frame.body).await?;
    } else {
        gathered.extend_from_slice(&frame.body);
    }
    gathered.extend_from_slice(b"\r\n");
    Ok(())
}

/// Reads until the connection fails or the server ends it.
pub(super) async fn read<R: AsyncBufRead + Unpin>(mut from: R, shared: Arc<Shared>) {
    loop {
        match wire::next(&mut from).await {
            Ok(Said::Message(answer)) => shared.answer(answer),
            Ok(Said::Ping) => shared.pinged.notify_one(),
            Ok(Said::Info(info)) => shared.update(&info),
            Ok(Said::Error(error)) => match forbidden(&error) {
                Some(subject) => shared.forbid(subject),
                // The server closes after every other error.
                None => return shared.finish(format!("the server said: {}", bounded(&error))),
            },
            Ok(Said::Pong | Said::Nothing) => {}
            Err(error) => return shared.fail(&error),
        }
    }
}

/// The subject in `Permissions Violation for Publish to "subject"`.
fn forbidden(error: &str) -> Option<&str> {
    let rest = error.strip_prefix("Permissions Violation for Publish to ")?;
    rest.strip_prefix('"')?.split('"').next()
}

/// What a server says may be anything.
pub(super) fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_names_its_subject() {
        assert_eq!(
            forbidden(r#"Permissions Violation for Publish to "a.b""#),
            Some("a.b")
        );
        for other in [
            "Stale Connection",
            "Permissions Violation for Subscription to \"a\"",
            "Permissions Violation for Publish to a",
        ] {
            assert_eq!(forbidden(other), None, "{other}");
        }
    }
}
