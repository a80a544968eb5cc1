//! Binary content mode of the HTTP protocol binding 1.0.2: attributes in headers, data in the body.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use super::AttributeName;
use super::AttributeValue;
use super::Data;
use super::Event;
use super::EventError;
use super::percent;

const PREFIX: &str = "ce-";

/// Whether any header says that this is a binary-mode event.
#[must_use]
pub fn has_event_headers(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| name.as_str().starts_with(PREFIX))
}

/// Reads an event in binary mode. The data is `body` itself, byte for byte.
///
/// # Errors
/// Names the header or attribute that is wrong first.
pub fn event_from_headers(headers: &HeaderMap, body: Bytes) -> Result<Event, EventError> {
    let mut attributes = Vec::with_capacity(8);
    let mut is_versioned = false;
    for (header, raw) in headers {
        let Some(name) = header.as_str().strip_prefix(PREFIX) else {
            continue;
        };
        let value = decoded(header, raw)?;
        match name {
            "specversion" if is_versioned => {
                return Err(EventError::Duplicate {
                    attribute: name.into(),
                });
            }
            "specversion" if value == "1.0" => is_versioned = true,
            "specversion" => return Err(EventError::SpecVersion { found: value }),
            "datacontenttype" => return Err(EventError::ContentTypeHeader),
            _ => attributes.push((AttributeName::parse(name)?, AttributeValue::String(value))),
        }
    }
    if !is_versioned {
        return Err(EventError::Missing {
            attribute: "specversion",
        });
    }
    let content_type = match headers.get(CONTENT_TYPE) {
        Some(raw) => Some(
            raw.to_str()
                .map(str::to_owned)
                .map_err(|_| encoding(&CONTENT_TYPE))?,
        ),
        None => None,
    };
    if let Some(kind) = &content_type {
        attributes.push((
            AttributeName::parse("datacontenttype")?,
            AttributeValue::String(kind.clone()),
        ));
    }
    let data = Data::of_type(content_type.as_deref(), body)?;
    Event::new(attributes, data)
}

fn decoded(header: &HeaderName, raw: &HeaderValue) -> Result<String, EventError> {
    percent::decode(raw.as_bytes()).ok_or_else(|| encoding(header))
}

fn encoding(header: &HeaderName) -> EventError {
    EventError::HeaderEncoding {
        header: header.to_string(),
    }
}

/// The headers of an event in binary mode, `Content-Type` included; the body is its data bytes.
#[must_use]
pub fn headers_of(event: &Event) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(event.attributes().len() + 2);
    headers.insert("ce-specversion", HeaderValue::from_static("1.0"));
    for (name, value) in event.attributes() {
        let (header, text) = match (name.as_str(), value) {
            ("datacontenttype", value) => (Ok(CONTENT_TYPE), value.to_string()),
            (name, value) => (
                format!("{PREFIX}{name}").parse(),
                percent::encode(&value.to_string()),
            ),
        };
        // Names are lower-case ASCII and values encoded, so both always fit a header.
        if let (Ok(header), Ok(value)) = (header, HeaderValue::from_str(&text)) {
            headers.insert(header, value);
        }
    }
    if !headers.contains_key(CONTENT_TYPE) && matches!(event.data(), Data::Json(_)) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        map
    }

    const MINIMUM: [(&str, &str); 4] = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/s"),
        ("ce-type", "t"),
    ];

    fn code(change: impl FnOnce(&mut HeaderMap)) -> String {
        let mut map = headers(&MINIMUM);
        change(&mut map);
        event_from_headers(&map, Bytes::new()).unwrap_err().code()
    }

    #[test]
    fn an_event_survives_the_way_over_headers() {
        let mut map = headers(&MINIMUM);
        map.insert(
            "ce-subject",
            HeaderValue::from_static("Euro%20%E2%82%AC%20%F0%9F%98%80"),
        );
        map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let event = event_from_headers(&map, Bytes::from_static(b"{\"a\": 1e400}")).unwrap();
        assert_eq!(event.text("subject"), Some("Euro € 😀"));
        assert_eq!(event.data(), &Data::Json(Bytes::from_static(b"{\"a\": 1e400}")));
        assert_eq!(headers_of(&event), map);
    }

    #[test]
    fn each_mistake_has_its_own_code() {
        assert_eq!(code(|map| drop(map.remove("ce-id"))), "missing-id");
        assert_eq!(
            code(|map| drop(map.remove("ce-specversion"))),
            "missing-specversion"
        );
        let set = |name: &'static str, value: &'static str| {
            code(move |map| drop(map.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap())))
        };
        assert_eq!(set("ce-specversion", "0.3"), "unsupported-specversion");
        assert_eq!(set("ce-source", ""), "invalid-source");
        assert_eq!(set("ce-time", "noon"), "invalid-time");
        assert_eq!(set("ce-foo_bar", "x"), "invalid-attribute-name");
        assert_eq!(set("ce-data", "x"), "invalid-attribute-name");
        assert_eq!(set("ce-datacontenttype", "text/plain"), "datacontenttype-header");
        assert_eq!(set("ce-ext", "%zz"), "invalid-header-encoding");
        assert_eq!(set("ce-ext", "café"), "invalid-header-encoding");
        let twice = code(|map| assert!(map.append("ce-id", HeaderValue::from_static("2"))));
        assert_eq!(twice, "duplicate-attribute");
        let bad_json = event_from_headers(
            &headers(&[MINIMUM.as_slice(), &[("content-type", "application/json")]].concat()),
            Bytes::from_static(b"{"),
        );
        assert_eq!(bad_json.unwrap_err().code(), "invalid-data");
    }

    #[test]
    fn a_body_without_a_type_is_binary_and_no_body_is_no_data() {
        let map = headers(&MINIMUM);
        let event = event_from_headers(&map, Bytes::from_static(b"x")).unwrap();
        assert_eq!(event.data(), &Data::Binary(Bytes::from_static(b"x")));
        assert_eq!(
            event_from_headers(&map, Bytes::new()).unwrap().data(),
            &Data::None
        );
    }
}
