//! Reads request bodies: bounded in size and time, whatever the client says about them.

use std::time::Duration;

use async_compression::tokio::bufread::GzipDecoder;
use async_compression::tokio::bufread::ZstdDecoder;
use async_compression::zstd::DParameter;
use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt as _;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;

use crate::problem::Problem;

/// A body that is not there by then will not come.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest window a zstd frame may ask for, as a power of two: 8 MiB, as RFC 9659 has it for
/// this encoding. Without it nine bytes could ask for 128 MiB.
const ZSTD_WINDOW: u32 = 23;

/// Memory that the bodies of all requests may take together, in units of [`UNIT`] bytes: 512 MiB.
static BUDGET: Semaphore = Semaphore::const_new(512 * 1024);
/// What memory is counted in.
const UNIT: usize = 1024;
/// Who finds no room within this time is told to come again.
const ROOM_WAIT: Duration = Duration::from_secs(1);

/// A body, and the room it takes until this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    /// The bytes.
    pub(super) bytes: Bytes,
    _room: Room,
}

/// A part of a budget for bodies.
#[derive(Debug)]
struct Room {
    budget: &'static Semaphore,
    taken: Option<SemaphorePermit<'static>>,
}

impl Room {
    const fn new(budget: &'static Semaphore) -> Self {
        Self { budget, taken: None }
    }

    /// Makes this large enough for so many bytes. What did not come takes no room, so a client that
    /// announces much and sends nothing keeps nobody out.
    async fn fit(&mut self, bytes: usize) -> Result<(), Problem> {
        let taken = self.taken.as_ref().map_or(0, SemaphorePermit::num_permits);
        let missing = bytes.div_ceil(UNIT).saturating_sub(taken);
        if missing == 0 {
            return Ok(());
        }
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        let more = tokio::time::timeout(ROOM_WAIT, self.budget.acquire_many(missing)).await;
        let Ok(Ok(more)) = more else {
            let detail = "the server holds as many request bodies as it may; try again";
            return Err(Problem::new(503, "overloaded", detail).retry_after(1));
        };
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        Ok(())
    }

    /// Gives back what so many bytes do not need.
    fn shrink(&mut self, bytes: usize) {
        if let Some(taken) = &mut self.taken {
            let excess = taken.num_permits().saturating_sub(bytes.div_ceil(UNIT));
            drop(taken.split(excess));
        }
    }
}

/// The decoded body, at most `max` bytes long.
///
/// # Errors
/// 413 with `too_large` as code, 415 for an unknown encoding, 400 and 408 for a body that
/// breaks off or does not come, 503 while other bodies take all the room there is.
pub(super) async fn read(request: Request, max: usize, too_large: &'static str) -> Result<Held, Problem> {
    read_within(&BUDGET, request, max, too_large).await
}

async fn read_within(
    budget: &'static Semaphore,
    request: Request,
    max: usize,
    too_large: &'static str,
) -> Result<Held, Problem> {
    let (parts, body) = request.into_parts();
    let encoding = Encoding::of(&parts.headers)?;
    let length = content_length(&parts.headers);
    if length.is_some_and(|length| length > u64::try_from(max).unwrap_or(u64::MAX)) {
        return Err(refused(max, too_large));
    }
    let mut room = Room::new(budget);
    let raw = match tokio::time::timeout(READ_TIMEOUT, collect(body, max, length, &mut room)).await {
        Ok(raw) => raw?.ok_or_else(|| refused(max, too_large))?,
        Err(_) => {
            return Err(Problem::new(
                408,
                "body-timeout",
                "the body did not come within 30 s",
            ));
        }
    };
    let bytes = match encoding {
        Encoding::Plain => raw,
        Encoding::Gzip => {
            let mut decoder = GzipDecoder::new(raw.as_ref());
            decoder.multiple_members(true);
            room.fit(raw.len() + max).await?;
            decoded(decoder, max, too_large).await?
        }
        Encoding::Zstd => {
            let window = [DParameter::window_log_max(ZSTD_WINDOW)];
            let mut decoder = ZstdDecoder::with_params(raw.as_ref(), &window);
            decoder.multiple_members(true);
            room.fit(raw.len() + max).await?;
            decoded(decoder, max, too_large).await?
        }
    };
    room.shrink(bytes.len());
    Ok(Held { bytes, _room: room })
}

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Plain,
    Gzip,
    Zstd,
}

impl Encoding {
    /// One packing at most: bodies packed twice are somebody's mistake.
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut named = headers.get_all(CONTENT_ENCODING).iter();
        let name = named.next().map(|name| name.as_bytes().to_ascii_lowercase());
        match (name.as_deref(), named.next()) {
            (None | Some(b"identity"), None) => Ok(Self::Plain),
            (Some(b"gzip" | b"x-gzip"), None) => Ok(Self::Gzip),
            (Some(b"zstd"), None) => Ok(Self::Zstd),
            _ => Err(Problem::new(
                415,
                "unsupported-encoding",
                "send the body plain, or with one Content-Encoding, gzip or zstd",
            )),
        }
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn refused(max: usize, code: &'static str) -> Problem {
    Problem::new(413, code, format!("the body is larger than {max} bytes"))
}

/// `None` when there is more than `max`. With the length known, memory is taken once: growing
/// step by step costs a large body more than reading it. What is not sent is not touched.
async fn collect(
    mut body: Body,
    max: usize,
    length: Option<u64>,
    room: &mut Room,
) -> Result<Option<Bytes>, Problem> {
    let announced = length.map_or(0, |length| usize::try_from(length).unwrap_or(max).min(max));
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let broken = |_| Problem::new(400, "incomplete-body", "the body broke off");
        let Ok(chunk) = frame.map_err(broken)?.into_data() else {
            continue;
        };
        let seen = first.as_ref().map_or(0, Bytes::len) + all.len();
        if seen + chunk.len() > max {
            return Ok(None);
        }
        room.fit(seen + chunk.len()).await?;
        match first.take() {
            // Most bodies are one chunk, which is passed on as it is.
            None if all.is_empty() => first = Some(chunk),
            None => all.extend_from_slice(&chunk),
            Some(before) => {
                all.reserve(announced.max(before.len() + chunk.len()));
                all.extend_from_slice(&before);
                all.extend_from_slice(&chunk);
            }
        }
    }
    Ok(Some(first.unwrap_or_else(|| all.freeze())))
}

async fn decoded(
    decoder: impl AsyncRead + Unpin,
    max: usize,
    too_large: &'static str,
) -> Result<Bytes, Problem> {
    let bound = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let mut out = Vec::new();
    let read = decoder.take(bound).read_to_end(&mut out).await;
    read.map_err(|_| {
        Problem::new(
            400,
            "invalid-encoding",
            "the body is not what Content-Encoding says",
        )
    })?;
    if out.len() > max {
        Err(refused(max, too_large))
    } else {
        Ok(out.into())
    }
}

#[cfg(test)]
mod tests {
    use async_compression::tokio::bufread::GzipEncoder;

    use super::*;

    fn request(body: Body, encoding: Option<&str>) -> Request {
        let mut request = Request::new(body);
        if let Some(encoding) = encoding {
            request
                .headers_mut()
                .insert(CONTENT_ENCODING, encoding.parse().unwrap());
        }
        request
    }

    async fn zipped(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        GzipEncoder::new(text).read_to_end(&mut out).await.unwrap();
        out
    }

    #[tokio::test]
    async fn the_limit_is_the_last_size_that_passes() {
        let read = |n: usize| read(request(Body::from(vec![b'x'; n]), None), 10, "too-large");
        assert_eq!(read(10).await.unwrap().bytes.len(), 10);
        assert_eq!(read(11).await.unwrap_err().status, 413);
    }

    #[tokio::test]
    async fn the_limit_holds_for_what_is_unpacked() {
        let body = zipped(&vec![b'x'; 10_000]).await;
        assert!(body.len() < 1_000);
        let read =
            |max: usize, body: Vec<u8>| read(request(Body::from(body), Some("gzip")), max, "too-large");
        assert_eq!(read(10_000, body.clone()).await.unwrap().bytes.len(), 10_000);
        assert_eq!(read(9_999, body).await.unwrap_err().code, "too-large");
        assert_eq!(
            read(100, b"no gzip".to_vec()).await.unwrap_err().code,
            "invalid-encoding"
        );
    }

    #[tokio::test]
    async fn all_of_a_packed_body_counts() {
        let read = |body: Vec<u8>| read(request(Body::from(body), Some("GZIP")), 1_000, "too-large");
        let (first, second) = (zipped(b"first ").await, zipped(b"second").await);
        let both = [first.as_slice(), &second].concat();
        assert_eq!(read(both.clone()).await.unwrap().bytes, "first second");
        for broken in [[&both[..], b"more"].concat(), both[..both.len() - 1].to_vec()] {
            assert_eq!(read(broken).await.unwrap_err().code, "invalid-encoding");
        }
    }

    #[tokio::test]
    async fn a_zstd_frame_may_not_ask_for_a_large_window() {
        let read = |body: &'static [u8]| read(request(Body::from(body), Some("zstd")), 1_000, "too-large");
        // An empty last block in a frame with a window of 8 MiB, and of 16 MiB (RFC 8878, 3.1.1).
        assert_eq!(
            read(b"\x28\xb5\x2f\xfd\x00\x68\x01\x00\x00").await.unwrap().bytes,
            ""
        );
        let error = read(b"\x28\xb5\x2f\xfd\x00\x70\x01\x00\x00").await.unwrap_err();
        assert_eq!(error.code, "invalid-encoding");
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_share_a_room_and_give_it_back() {
        static SMALL: Semaphore = Semaphore::const_new(10);
        let read = |request| read_within(&SMALL, request, 9 * UNIT, "too-large");
        let plain = |n: usize| request(Body::from(vec![b'x'; n * UNIT]), None);
        let packed = zipped(b"small").await;
        let first = read(plain(6)).await.unwrap();
        let problem = read(plain(6)).await.unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (503, "overloaded"));
        assert!(problem.retry_after.is_some());
        // What a packed body may become needs room only while it is unpacked.
        assert_eq!(
            read(request(Body::from(packed.clone()), Some("gzip")))
                .await
                .unwrap_err()
                .status,
            503
        );
        drop(first);
        let second = read(request(Body::from(packed), Some("gzip"))).await.unwrap();
        assert_eq!(SMALL.available_permits(), 9);
        drop(second);
        // Who asks while there is no room waits for it.
        let (first, second) = tokio::join!(async { drop(read(plain(9)).await.unwrap()) }, async {
            read(plain(9)).await.unwrap().bytes.len()
        });
        assert_eq!((first, second), ((), 9 * UNIT));
    }

    #[tokio::test]
    async fn an_unknown_encoding_is_refused() {
        for encoding in ["br", "gzip, gzip", "gzip;q=1", ""] {
            let error = read(request(Body::from("x"), Some(encoding)), 10, "too-large")
                .await
                .unwrap_err();
            assert_eq!(error.status, 415, "{encoding}");
        }
    }
}
