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
    while stored.has_remaining() {
        let name_len = usize::from(stored.try_get_u8().map_err(short)?);
        let name =
            AttributeName::parse(text(&mut stored, name_len)?).map_err(|_| StoredError("illegal name"))?;
        let value = match stored.try_get_u8().map_err(short)? {
            STRING => {
                let len = usize::try_from(stored.try_get_u32_le().map_err(short)?)
                    .map_err(|_| StoredError("length"))?;
                AttributeValue::String(text(&mut stored, len)?.to_owned())
            }
            INTEGER => AttributeValue::Integer(stored.try_get_i32_le().map_err(short)?),
            BOOLEAN => AttributeValue::Boolean(stored.try_get_u8().map_err(short)? != 0),
            _ => return Err(StoredError("unknown type of value")),
        };
        attributes.push((name, value));
    }
    Ok(Event::from_stored(attributes, data))
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
