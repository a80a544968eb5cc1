//! What a handler did not read of a request is read and thrown away before it is answered.
//!
//! An ordinary client writes its whole body before it reads. Answered in the middle, it would see
//! a reset connection and not the problem that tells what to mend.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use axum::body::HttpBody;
use axum::extract::Request;
use bytes::Bytes;
use http::header::EXPECT;
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use hyper::body::SizeHint;
use parking_lot::Mutex;

/// More than this is not read for politeness.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Time for all of it: whoever is slower does not see the answer.
const MAX_TIME: Duration = Duration::from_secs(10);
/// A client that sends nothing for this long is waiting for the answer.
const MAX_SILENCE: Duration = Duration::from_secs(1);

/// The unread rest of the body of one request, once its handler has let go of it.
pub(super) struct Leftover<B> {
    rest: Arc<Mutex<Option<B>>>,
}

impl<B> Leftover<B>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    /// Watches what is read of the body of a request.
    pub(super) fn of(request: http::Request<B>) -> (Request, Self) {
        let rest = Arc::default();
        let asks_first = request.headers().contains_key(EXPECT);
        let request = request.map(|body| {
            Body::new(Watched {
                body: Some(body),
                // A client that asks first sends nothing until its body is wanted.
                is_coming: !asks_first,
                rest: Arc::clone(&rest),
            })
        });
        (request, Self { rest })
    }

    /// Reads the rest within bounds of size and time.
    pub(super) async fn drain(self) {
        let Some(mut body) = self.rest.lock().take() else {
            return;
        };
        if body.size_hint().lower() > MAX_BYTES {
            return;
        }
        let reading = async {
            let mut left = MAX_BYTES;
            while let Ok(Some(Ok(frame))) = tokio::time::timeout(MAX_SILENCE, body.frame()).await {
                let read = frame.data_ref().map_or(0, Bytes::len);
                let Some(still) = u64::try_from(read).ok().and_then(|read| left.checked_sub(read)) else {
                    return;
                };
                left = still;
            }
        };
        tokio::time::timeout(MAX_TIME, reading).await.unwrap_or_default();
    }
}

/// A body that leaves its rest behind when it is dropped.
struct Watched<B: HttpBody> {
    body: Option<B>,
    is_coming: bool,
    rest: Arc<Mutex<Option<B>>>,
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Watched<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.is_coming = true;
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(context);
        if let Poll::Ready(Some(Err(_))) = &polled {
            // Broken off: there is no rest.
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

impl<B: HttpBody> Drop for Watched<B> {
    fn drop(&mut self) {
        let rest = self.body.take();
        *self.rest.lock() = rest.filter(|body| self.is_coming && !body.is_end_stream());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;

    use futures_util::stream;

    use super::*;

    /// A body of so many chunks of 1 KiB that counts what is taken from it.
    fn counted(chunks: usize) -> (Body, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&taken);
        let chunks = (0..chunks).map(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::convert::Infallible>(vec![0; 1024])
        });
        (Body::from_stream(stream::iter(chunks)), taken)
    }

    #[tokio::test]
    async fn what_the_handler_did_not_read_is_read() {
        let (body, taken) = counted(100);
        let (mut request, leftover) = Leftover::of(Request::new(body));
        request.body_mut().frame().await.unwrap().unwrap();
        drop(request);
        leftover.drain().await;
        assert_eq!(taken.load(Ordering::Relaxed), 100);
    }

    #[tokio::test]
    async fn an_endless_body_is_read_up_to_the_bound() {
        let (body, taken) = counted(usize::MAX);
        let (request, leftover) = Leftover::of(Request::new(body));
        drop(request);
        leftover.drain().await;
        assert_eq!(taken.load(Ordering::Relaxed), 64 * 1024 + 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_not_waited_for() {
        let silent = stream::pending::<Result<Bytes, std::convert::Infallible>>();
        let (request, leftover) = Leftover::of(Request::new(Body::from_stream(silent)));
        drop(request);
        let started = tokio::time::Instant::now();
        leftover.drain().await;
        assert_eq!(started.elapsed(), MAX_SILENCE);
    }

    #[tokio::test]
    async fn a_body_that_waits_to_be_wanted_is_not_asked_for() {
        let (body, taken) = counted(100);
        let mut request = Request::new(body);
        request
            .headers_mut()
            .insert(EXPECT, http::HeaderValue::from_static("100-continue"));
        let (request, leftover) = Leftover::of(request);
        drop(request);
        leftover.drain().await;
        assert_eq!(taken.load(Ordering::Relaxed), 0);
    }
}
