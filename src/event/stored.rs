//! How the attributes of an event are written in its log record; the data stands apart, verbatim.
//!
//! Layout: version (1 byte), data kind (1 byte), then per attribute its name (u8 length, bytes),
//! the type of its value (1 byte) and the value (string: u32 length and bytes; integer: 4 bytes;
//! boolean: 1 byte). Little endian. Order is kept.

use bytes::Buf;
use bytes::BufMut;
use bytes::Bytes;

use super::AttributeName;
use super::AttributeValue;
use super::Data;
use super::Event;

const VERSION: u8 = 0;
const STRING: u8 = 0;
const INTEGER: u8 = 1;
const BOOLEAN: u8 = 2;

/// A stored event does not read back: damage that checksums missed, or a newer writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored attributes of an event cannot be read: {0}")]
pub struct StoredError(&'static str);

/// Writes the attributes and the kind of the data.
#[must_use]
pub fn encode_attributes(event: &Event) -> Bytes {
    let mut out = Vec::with_capacity(32 * event.attributes().len() + 2);
    out.put_u8(VERSION);
    out.put_u8(match event.data() {
        Data::None => 0,
        Data::Json(_) => 1,
        Data::Text(_) => 2,
        Data::Binary(_) => 3,
    });
    for (name, value) in event.attributes() {
        let name = name.as_str().as_bytes();
        out.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
        out.put_slice(name);
        match value {
            AttributeValue::String(text) => {
                out.put_u8(STRING);
                out.put_u32_le(u32::try_from(text.len()).unwrap_or(u32::MAX));
                out.put_slice(text.as_bytes());
            }
            AttributeValue::Integer(number) => {
                out.put_u8(INTEGER);
                out.put_i32_le(*number);
            }
            AttributeValue::Boolean(truth) => {
                out.put_u8(BOOLEAN);
                out.put_u8(u8::from(*truth));
            }
        }
    }
    out.into()
}

/// Puts an event together again from its stored attributes and data.
///
/// # Errors
/// [`StoredError`] when the bytes are not what [`encode_attributes`] writes.
pub fn decode_attributes(mut stored: &[u8], data: Bytes) -> Result<Event, StoredError> {
    let short = |_| StoredError("too short");
    if stored.try_get_u8().map_err(short)? != VERSION {
        return Err(StoredError("unknown version"));
    }
    let data = match stored.try_get_u8().map_err(short)? {
        0 => Data::None,
        1 => Data::Json(data),
        2 => Data::Text(data),
        3 => Data::Binary(data),
        _ => return Err(StoredError("unknown kind of data")),
    };
    let mut attributes = Vec::with_capacity(8);
    while let Some((name, value)) = next_attribute(&mut stored)? {
        let name = AttributeName::parse(name).map_err(|_| StoredError("illegal name"))?;
        let value = match value {
            Value::String(text) => AttributeValue::String(text.to_owned()),
            Value::Integer(number) => AttributeValue::Integer(number),
            Value::Boolean(truth) => AttributeValue::Boolean(truth),
        };
        attributes.push((name, value));
    }
    Ok(Event::from_stored(attributes, data))
}

/// Whether stored attributes are those of one event: of the same source and id.
///
/// What cannot be read is the same only byte by byte, so that nothing is taken for a copy that may not be one.
#[must_use]
pub fn have_same_identity(stored: &[u8], offered: &[u8]) -> bool {
    stored == offered || matches!((identity(stored), identity(offered)), (Ok(a), Ok(b)) if a == b)
}

fn identity(mut stored: &[u8]) -> Result<(&str, &str), StoredError> {
    if !stored.starts_with(&[VERSION]) {
        return Err(StoredError("unknown version"));
    }
    stored = stored.get(2..).ok_or(StoredError("too short"))?;
    let (mut source, mut id) = (None, None);
    while let Some((name, value)) = next_attribute(&mut stored)? {
        match (name, value) {
            ("source", Value::String(text)) => source = Some(text),
            ("id", Value::String(text)) => id = Some(text),
            _ => {}
        }
    }
    source.zip(id).ok_or(StoredError("no source or id"))
}

/// The source and the type of an event from its stored attributes; allocates nothing.
///
/// # Errors
/// As [`decode_attributes`].
pub fn stored_source_and_type(mut stored: &[u8]) -> Result<(&str, &str), StoredError> {
    stored = stored.get(2..).ok_or(StoredError("too short"))?;
    let (mut source, mut kind) = (None, None);
    while let Some((name, value)) = next_attribute(&mut stored)? {
        match (name, value) {
            ("source", Value::String(text)) => source = Some(text),
            ("type", Value::String(text)) => kind = Some(text),
            _ => {}
        }
    }
    source.zip(kind).ok_or(StoredError("no source or type"))
}

/// The value of an attribute where it is stored.
enum Value<'a> {
    String(&'a str),
    Integer(i32),
    Boolean(bool),
}

/// The next attribute behind version and kind of data; `None` at the end.
fn next_attribute<'a>(stored: &mut &'a [u8]) -> Result<Option<(&'a str, Value<'a>)>, StoredError> {
    let short = |_| StoredError("too short");
    if !stored.has_remaining() {
        return Ok(None);
    }
    let name_len = usize::from(stored.try_get_u8().map_err(short)?);
    let name = text(stored, name_len)?;
    let value = match stored.try_get_u8().map_err(short)? {
        STRING => {
            let len = usize::try_from(stored.try_get_u32_le().map_err(short)?)
                .map_err(|_| StoredError("length"))?;
            Value::String(text(stored, len)?)
        }
        INTEGER => Value::Integer(stored.try_get_i32_le().map_err(short)?),
        BOOLEAN => Value::Boolean(stored.try_get_u8().map_err(short)? != 0),
        _ => return Err(StoredError("unknown type of value")),
    };
    Ok(Some((name, value)))
}

fn text<'a>(stored: &mut &'a [u8], len: usize) -> Result<&'a str, StoredError> {
    let (head, rest) = stored.split_at_checked(len).ok_or(StoredError("too short"))?;
    *stored = rest;
    std::str::from_utf8(head).map_err(|_| StoredError("not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::super::event_from_json;
    use super::*;

    #[test]
    fn an_event_reads_back_as_it_was_written() {
        for rest in [
            "",
            r#","data":null"#,
            r#","data":{"a":1},"n":-5,"b":false,"subject":"€""#,
            r#","data_base64":"AP8=""#,
        ] {
            let text = format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t"{rest}}}"#);
            let event = event_from_json(&text.into(), None).unwrap();
            let read = decode_attributes(&encode_attributes(&event), event.data().bytes().clone());
            assert_eq!(read, Ok(event));
        }
    }

    #[test]
    fn an_event_is_the_same_by_its_source_and_id_alone() {
        let stored = |source: &str, id: &str, rest: &str| {
            let text = format!(r#"{{"specversion":"1.0"{rest},"id":"{id}","source":"{source}","type":"t"}}"#);
            encode_attributes(&event_from_json(&text.into(), None).unwrap())
        };
        let first = stored("/s", "1", "");
        assert!(have_same_identity(
            &first,
            &stored("/s", "1", r#","n":7,"data":{}"#)
        ));
        assert!(!have_same_identity(&first, &stored("/s", "2", "")));
        assert!(!have_same_identity(&first, &stored("/t", "1", "")));
        let unreadable = [&[9], &first[1..]].concat();
        assert!(have_same_identity(&unreadable, &unreadable));
        assert!(!have_same_identity(&unreadable, &first));
    }

    #[test]
    fn cut_bytes_are_an_error_and_no_panic() {
        let event = event_from_json(
            &r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#.into(),
            None,
        )
        .unwrap();
        let stored = encode_attributes(&event);
        let whole = decode_attributes(&stored, Bytes::new());
        for cut in 0..stored.len() {
            assert_ne!(decode_attributes(&stored[..cut], Bytes::new()), whole, "{cut}");
        }
    }
}
