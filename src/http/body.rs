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

use crate::problem::Problem;

/// A body that is not there by then will not come.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest window a zstd frame may ask for, as a power of two: 8 MiB, as RFC 9659 has it for
/// this encoding. Without it nine bytes could ask for 128 MiB.
const ZSTD_WINDOW: u32 = 23;

/// The decoded body, at most `max` bytes long.
///
/// # Errors
/// 413 with `too_large` as code, 415 for an unknown encoding, 400 and 408 for a body that
/// breaks off or does not come.
pub(super) async fn read(request: Request, max: usize, too_large: &'static str) -> Result<Bytes, Problem> {
    let (parts, body) = request.into_parts();
    let encoding = Encoding::of(&parts.headers)?;
    let length = content_length(&parts.headers);
    if length.is_some_and(|length| length > u64::try_from(max).unwrap_or(u64::MAX)) {
        return Err(refused(max, too_large));
    }
    let raw = match tokio::time::timeout(READ_TIMEOUT, collect(body, max, length)).await {
        Ok(Ok(Some(raw))) => raw,
        Ok(Ok(None)) => return Err(refused(max, too_large)),
        Ok(Err(_)) => return Err(Problem::new(400, "incomplete-body", "the body broke off")),
        Err(_) => {
            return Err(Problem::new(
                408,
                "body-timeout",
                "the body did not come within 30 s",
            ));
        }
    };
    match encoding {
        Encoding::Plain => Ok(raw),
        Encoding::Gzip => {
            let mut decoder = GzipDecoder::new(raw.as_ref());
            decoder.multiple_members(true);
            decoded(decoder, max, too_large).await
        }
        Encoding::Zstd => {
            let window = [DParameter::window_log_max(ZSTD_WINDOW)];
            let mut decoder = ZstdDecoder::with_params(raw.as_ref(), &window);
            decoder.multiple_members(true);
            decoded(decoder, max, too_large).await
        }
    }
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
async fn collect(mut body: Body, max: usize, length: Option<u64>) -> Result<Option<Bytes>, axum::Error> {
    let announced = length.map_or(0, |length| usize::try_from(length).unwrap_or(max).min(max));
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame?.into_data() else { continue };
        let seen = first.as_ref().map_or(0, Bytes::len) + all.len();
        if seen + chunk.len() > max {
            return Ok(None);
        }
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
        assert_eq!(read(10).await.unwrap().len(), 10);
        assert_eq!(read(11).await.unwrap_err().status, 413);
    }

    #[tokio::test]
    async fn the_limit_holds_for_what_is_unpacked() {
        let body = zipped(&vec![b'x'; 10_000]).await;
        assert!(body.len() < 1_000);
        let read =
            |max: usize, body: Vec<u8>| read(request(Body::from(body), Some("gzip")), max, "too-large");
        assert_eq!(read(10_000, body.clone()).await.unwrap().len(), 10_000);
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
        assert_eq!(read(both.clone()).await.unwrap(), "first second");
        for broken in [[&both[..], b"more"].concat(), both[..both.len() - 1].to_vec()] {
            assert_eq!(read(broken).await.unwrap_err().code, "invalid-encoding");
        }
    }

    #[tokio::test]
    async fn a_zstd_frame_may_not_ask_for_a_large_window() {
        let read = |body: &'static [u8]| read(request(Body::from(body), Some("zstd")), 1_000, "too-large");
        // An empty last block in a frame with a window of 8 MiB, and of 16 MiB (RFC 8878, 3.1.1).
        assert_eq!(read(b"\x28\xb5\x2f\xfd\x00\x68\x01\x00\x00").await.unwrap(), "");
        let error = read(b"\x28\xb5\x2f\xfd\x00\x70\x01\x00\x00").await.unwrap_err();
        assert_eq!(error.code, "invalid-encoding");
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
