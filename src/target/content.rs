//! How an event is put into an HTTP request: the modes of the `CloudEvents` HTTP binding, and the
//! data alone.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use crate::catalog::WebhookMode;
use crate::event;
use crate::event::Data;
use crate::event::Event;

const STRUCTURED: HeaderValue = HeaderValue::from_static("application/cloudevents+json; charset=utf-8");
const BATCHED: HeaderValue = HeaderValue::from_static("application/cloudevents-batch+json; charset=utf-8");
/// What a JSON event takes beside its data, about.
const ENVELOPE: usize = 512;

/// The headers that say what the body is, and the body.
pub(super) fn of(event: &Event, mode: WebhookMode) -> (HeaderMap, Bytes) {
    match mode {
        WebhookMode::Structured => structured(event),
        WebhookMode::Batched => {
            let mut body = Vec::with_capacity(event.data().bytes().len() + ENVELOPE);
            body.push(b'[');
            event::write_json(event, &mut body);
            body.push(b']');
            (typed(BATCHED), body.into())
        }
        // A webhook call always has a body (CloudEvents HTTP webhook 1.0.2, 2.1).
        WebhookMode::Binary if *event.data() == Data::None => structured(event),
        WebhookMode::Binary => (event::headers_of(event), event.data().bytes().clone()),
        WebhookMode::Data => (data_type(event), event.data().bytes().clone()),
    }
}

fn structured(event: &Event) -> (HeaderMap, Bytes) {
    let mut body = Vec::with_capacity(event.data().bytes().len() + ENVELOPE);
    event::write_json(event, &mut body);
    (typed(STRUCTURED), body.into())
}

fn typed(kind: HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CONTENT_TYPE, kind);
    headers
}

/// The data's own content type; without one, what its bytes are.
fn data_type(event: &Event) -> HeaderMap {
    let named = event.text("datacontenttype");
    let kind = match event.data() {
        Data::None => return HeaderMap::new(),
        Data::Json(_) => named.unwrap_or("application/json"),
        Data::Text(_) => named.unwrap_or("text/plain; charset=utf-8"),
        Data::Binary(_) => named.unwrap_or("application/octet-stream"),
    };
    HeaderValue::from_bytes(kind.as_bytes()).map_or_else(|_| HeaderMap::new(), typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(more: &str) -> Event {
        let text = format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t"{more}}}"#);
        event::event_from_json(&text.into(), None).unwrap()
    }

    fn content(with: &str, mode: WebhookMode) -> (String, String) {
        let (headers, body) = of(&event(with), mode);
        let kind = headers
            .get(CONTENT_TYPE)
            .map(|kind| kind.to_str().unwrap().to_owned());
        (
            kind.unwrap_or_default(),
            String::from_utf8_lossy(&body).into_owned(),
        )
    }

    #[test]
    fn a_batch_is_an_array_of_what_structured_mode_sends() {
        let (_, one) = content(r#","data":{"n": 1e400}"#, WebhookMode::Structured);
        let (kind, batch) = content(r#","data":{"n": 1e400}"#, WebhookMode::Batched);
        assert_eq!(kind, "application/cloudevents-batch+json; charset=utf-8");
        assert_eq!(batch, format!("[{one}]"));
    }

    #[test]
    fn data_is_sent_alone_under_its_own_type() {
        let sent = |more: &str| content(more, WebhookMode::Data);
        let text = |kind: &str, body: &str| (kind.to_owned(), body.to_owned());
        assert_eq!(
            sent(r#","data":{"n": 1e400}"#),
            text("application/json", r#"{"n": 1e400}"#)
        );
        assert_eq!(
            sent(r#","datacontenttype":"application/vnd.x+json","data":[1]"#),
            text("application/vnd.x+json", "[1]")
        );
        assert_eq!(
            sent(r#","datacontenttype":"text/plain","data":"a\n€""#),
            text("text/plain", "a\n€")
        );
        assert_eq!(
            sent(r#","data_base64":"YWI=""#),
            text("application/octet-stream", "ab")
        );
        assert_eq!(sent(""), text("", ""));
    }

    #[test]
    fn binary_mode_without_data_is_structured() {
        let (headers, body) = of(&event(""), WebhookMode::Binary);
        assert_eq!(headers.get(CONTENT_TYPE), Some(&STRUCTURED));
        assert!(!event::has_event_headers(&headers));
        assert_eq!(body, r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#);
    }
}
