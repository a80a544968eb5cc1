//! Reads request bodies: bounded in size and time, whatever the client says about them.

use std::time::Duration;

use async_compression::tokio::bufread::GzipDecoder;
use async_compression::tokio::bufread::ZstdDecoder;
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
/// Announced bodies below this are read to their end before they are refused, so that ordinary
/// clients, which write before they read, see the answer.
const DRAIN_BYTES: u64 = 64 * 1024 * 1024;
/// Time for reading a refused body to its end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// The decoded body, at most `max` bytes long.
///
/// # Errors
/// 413 with `too_large` as code, 415 for an unknown encoding, 400 and 408 for a body that
/// breaks off or does not come.
pub(super) async fn read(request: Request, max: usize, too_large: &'static str) -> Result<Bytes, Problem> {
    let (parts, body) = request.into_parts();
    let length = content_length(&parts.headers);
    if length.is_some_and(|length| length > u64::try_from(max).unwrap_or(u64::MAX)) {
        if length.is_some_and(|length| length < DRAIN_BYTES) {
            drain(body).await;
        }
        return Err(refused(max, too_large));
    }
    let raw = match tokio::time::timeout(READ_TIMEOUT, collect(body, max)).await {
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
    match parts
        .headers
        .get(CONTENT_ENCODING)
        .map(http::HeaderValue::as_bytes)
    {
        None | Some(b"identity") => Ok(raw),
        Some(b"gzip" | b"x-gzip") => decoded(GzipDecoder::new(raw.as_ref()), max, too_large).await,
        Some(b"zstd") => decoded(ZstdDecoder::new(raw.as_ref()), max, too_large).await,
        Some(_) => Err(Problem::new(
            415,
            "unsupported-encoding",
            "send the body plain, or with Content-Encoding gzip or zstd",
        )),
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn refused(max: usize, code: &'static str) -> Problem {
    Problem::new(413, code, format!("the body is larger than {max} bytes"))
}

/// `None` when there is more than `max`.
async fn collect(mut body: Body, max: usize) -> Result<Option<Bytes>, axum::Error> {
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
                all.extend_from_slice(&before);
                all.extend_from_slice(&chunk);
            }
        }
    }
    Ok(Some(first.unwrap_or_else(|| all.freeze())))
}

async fn drain(mut body: Body) {
    let reading = async { while let Some(Ok(_)) = body.frame().await {} };
    // Whoever is slower than this does not see the answer; the connection closes either way.
    tokio::time::timeout(DRAIN_TIMEOUT, reading)
        .await
        .unwrap_or_default();
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
    async fn an_unknown_encoding_is_refused() {
        let error = read(request(Body::from("x"), Some("br")), 10, "too-large")
            .await
            .unwrap_err();
        assert_eq!(error.status, 415);
    }
}
