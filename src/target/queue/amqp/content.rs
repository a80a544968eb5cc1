//! A message in the words of AMQP: its properties and headers.

use lapin::BasicProperties;
use lapin::types::AMQPValue;
use lapin::types::FieldTable;
use lapin::types::ShortString;

use super::login::SHORT;
use crate::target::queue::Message;
use crate::target::queue::Trouble;

/// Delivery mode of messages that survive a restart of the broker.
const PERSISTENT: u8 = 2;
/// Most bytes of attributes in headers: they travel in one frame, and the smallest limit that a broker
/// may set for frames is 4096; `RabbitMQ` allows 131072.
const HEADERS_MAX: usize = 120 * 1024;

/// A name or key of AMQP.
///
/// # Errors
/// It is too long; `what` says which one.
pub(super) fn short(what: &str, text: &str) -> Result<ShortString, Trouble> {
    ShortString::try_new(text).map_err(|_| {
        let reason = format!("the {what} has {} bytes; AMQP allows {SHORT}", text.len());
        Trouble::never("format_error", reason)
    })
}

/// The properties of a message. A type or bus too long for its property is left out of it: the event
/// itself says both.
pub(super) fn properties(message: &Message<'_>) -> Result<BasicProperties, Trouble> {
    let mut properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_message_id(short("id of the message", message.id)?)
        .with_headers(headers(message)?);
    if let Some(content_type) = message.content_type {
        properties = properties.with_content_type(short("content type", content_type)?);
    }
    if let Ok(kind) = ShortString::try_new(message.kind) {
        properties = properties.with_type(kind);
    }
    if let Ok(bus) = ShortString::try_new(message.bus) {
        properties = properties.with_app_id(bus);
    }
    if let Some(time) = message.time.and_then(|time| u64::try_from(time).ok()) {
        properties = properties.with_timestamp(time);
    }
    Ok(properties)
}

fn headers(message: &Message<'_>) -> Result<FieldTable, Trouble> {
    let mut headers = FieldTable::default();
    let text = |text: &str| AMQPValue::LongString(text.into());
    headers.insert("tramline-hops".into(), text(&message.hops.to_string()));
    let mut len = 0;
    for (name, value) in message.attributes.iter().flatten() {
        let name = short("name of an attribute", &format!("ce-{name}"))?;
        len += name.as_str().len() + value.len();
        headers.insert(name, text(value));
    }
    if len > HEADERS_MAX {
        let reason = format!("the attributes of the event have {len} bytes; AMQP allows {HEADERS_MAX}");
        return Err(Trouble::never("too_large", reason));
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message<'static> {
        Message {
            id: "msg_1",
            kind: "order.placed",
            source: "/s",
            subject: None,
            time: Some(7),
            bus: "main",
            hops: 2,
            content_type: Some("text/plain"),
            attributes: Some(vec![("id", "a".into())]),
            body: bytes::Bytes::new(),
        }
    }

    #[test]
    fn an_event_is_said_in_properties_and_headers() {
        let properties = properties(&message()).unwrap();
        let text = |text: &Option<ShortString>| text.as_ref().unwrap().as_str().to_owned();
        assert_eq!(text(properties.message_id()), "msg_1");
        assert_eq!(text(properties.kind()), "order.placed");
        assert_eq!(text(properties.app_id()), "main");
        assert_eq!(text(properties.content_type()), "text/plain");
        assert_eq!(*properties.timestamp(), Some(7));
        assert_eq!(*properties.delivery_mode(), Some(2));
        let headers = properties.headers().as_ref().unwrap();
        let header = |name: &str| headers.inner().get(name).unwrap().clone();
        assert_eq!(header("ce-id"), AMQPValue::LongString("a".into()));
        assert_eq!(header("tramline-hops"), AMQPValue::LongString("2".into()));
    }

    #[test]
    fn what_does_not_fit_is_refused_for_good_or_left_out() {
        let long = "x".repeat(256);
        let trouble = short("routing key", &long).unwrap_err();
        assert_eq!(trouble.reason, "the routing key has 256 bytes; AMQP allows 255");
        let kind = Message {
            kind: &long,
            time: Some(-1),
            ..message()
        };
        let left_out = properties(&kind).unwrap();
        assert!(left_out.kind().is_none() && left_out.timestamp().is_none());
        let many = Message {
            attributes: Some(vec![("long", "x".repeat(HEADERS_MAX).into())]),
            ..message()
        };
        assert_eq!(properties(&many).unwrap_err().class, "too_large");
    }
}
