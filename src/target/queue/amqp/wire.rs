//! The connection of a link, in the shape that the AMQP client wants, with a way to end it from here.
//!
//! The client reads and writes on a thread of its own, which ends when the connection does. A broker
//! that neither answers nor goes away would keep it for ever, so the link hangs up by itself.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::task::ready;

use futures_util::io::AsyncRead;
use futures_util::io::AsyncWrite;
use parking_lot::Mutex;
use tokio::io::AsyncRead as _;
use tokio::io::AsyncWrite as _;
use tokio::io::ReadBuf;

use super::inbound::Inbound;
use crate::egress::Stream;

/// Bytes that are read at once.
const READ: usize = 16 * 1024;

/// Ends the connection when dropped.
#[derive(Debug, Default)]
pub(super) struct Hangup(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    is_over: bool,
    reading: Option<Waker>,
    writing: Option<Waker>,
}

impl Hangup {
    /// A connection that this ends.
    pub(super) fn over(&self, stream: Stream) -> Wire {
        Wire {
            stream,
            inbound: Inbound::default(),
            read: vec![0; READ],
            state: Arc::clone(&self.0),
        }
    }

    /// Ends it now.
    pub(super) fn hang_up(&self) {
        let mut state = self.0.lock();
        state.is_over = true;
        let wakers = [state.reading.take(), state.writing.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Whether it was ended from here.
    pub(super) fn is_over(&self) -> bool {
        self.0.lock().is_over
    }
}

impl Drop for Hangup {
    fn drop(&mut self) {
        self.hang_up();
    }
}

/// A connection that can be ended from elsewhere.
pub(super) struct Wire {
    stream: Stream,
    inbound: Inbound,
    read: Vec<u8>,
    state: Arc<Mutex<State>>,
}

impl Wire {
    /// An error once the connection is ended; otherwise whoever asks will be woken when it is.
    fn check(&self, context: &Context<'_>, slot: fn(&mut State) -> &mut Option<Waker>) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.is_over {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        *slot(&mut state) = Some(context.waker().clone());
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context, |state| &mut state.reading)?;
        let this = &mut *self;
        loop {
            let len = this.inbound.take(buffer);
            if len > 0 || buffer.is_empty() {
                return Poll::Ready(Ok(len));
            }
            let mut read = ReadBuf::new(&mut this.read);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(0));
            }
            this.inbound.push(read.filled())?;
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context, |state| &mut state.writing)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context, |state| &mut state.writing)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context, |state| &mut state.writing)?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::queue::test_support::dialer;
    use futures_util::AsyncReadExt as _;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_silent_connection_ends_when_its_link_is_dropped() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stream = dialer().open("127.0.0.1", port, false).await.unwrap();
        let hangup = Hangup::default();
        let mut wire = hangup.over(stream);
        let mut buffer = [0];
        let (read, ()) = tokio::join!(wire.read(&mut buffer), async { drop(hangup) });
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    }
}
