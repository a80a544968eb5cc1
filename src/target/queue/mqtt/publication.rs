//! A message as an MQTT 5 PUBLISH packet of quality of service 1.

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Publish;
use rumqttc::v5::mqttbytes::v5::PublishProperties;

use super::Address;
use crate::target::queue::Message;
use crate::target::queue::Trouble;

/// Longest string, in bytes: its length is two bytes.
pub(super) const STRING: usize = 65_535;

/// The packet of a message, but for its number. No packet is larger than `maximum` bytes.
pub(super) fn of(to: &Address, message: &Message<'_>, maximum: usize) -> Result<Publish, Trouble> {
    check_topic(&to.topic)?;
    let publish = Publish {
        dup: false,
        qos: QoS::AtLeastOnce,
        retain: false,
        topic: Bytes::copy_from_slice(to.topic.as_bytes()),
        // Any number has the same length.
        pkid: 1,
        payload: message.body.clone(),
        properties: Some(properties(message)?),
    };
    let len = publish.size();
    if len > maximum {
        let reason = format!("the message takes {len} bytes; the broker takes {maximum}");
        return Err(Trouble::never("too_large", reason));
    }
    Ok(publish)
}

/// A topic names one place: it is not empty, holds no wildcard, and fits.
fn check_topic(topic: &str) -> Result<(), Trouble> {
    let wrong = if topic.is_empty() {
        "is empty"
    } else if topic.contains(['+', '#', '\0']) {
        "holds `+`, `#` or NUL"
    } else if topic.len() > STRING {
        "has more than 65535 bytes"
    } else {
        return Ok(());
    };
    let topic: String = topic.chars().take(100).collect();
    let reason = format!("nothing can be published to topic {topic:?}: it {wrong}");
    Err(Trouble::never("format_error", reason))
}

/// The content type, what belongs to the delivery (names with a hyphen, which no attribute has), and
/// in binary mode the attributes by their bare names.
fn properties(message: &Message<'_>) -> Result<PublishProperties, Trouble> {
    let content_type = message.content_type.map(|text| text_of("content type", text));
    let mut properties = PublishProperties {
        content_type: content_type.transpose()?,
        user_properties: vec![
            ("webhook-id".to_owned(), text_of("webhook-id", message.id)?),
            ("tramline-hops".to_owned(), message.hops.to_string()),
        ],
        ..PublishProperties::default()
    };
    for (name, value) in message.attributes.iter().flatten() {
        let property = (text_of(name, name)?, text_of(name, value)?);
        properties.user_properties.push(property);
    }
    Ok(properties)
}

/// The text, if MQTT can carry it at all.
fn text_of(name: &str, text: &str) -> Result<String, Trouble> {
    let name = || name.chars().take(100).collect::<String>();
    if text.len() > STRING {
        let reason = format!("`{}` has {} bytes; MQTT allows {STRING}", name(), text.len());
        return Err(Trouble::never("too_large", reason));
    }
    if text.contains('\0') {
        let reason = format!("`{}` holds NUL, which MQTT does not allow", name());
        return Err(Trouble::never("format_error", reason));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Outcome;
    use bytes::BytesMut;

    const LARGEST: usize = 268_435_455;

    fn publication(topic: &str, body: usize, maximum: usize) -> Result<Publish, Trouble> {
        let topic = topic.to_owned();
        let message = Message {
            id: "msg_1",
            kind: "order.placed",
            source: "/s",
            subject: None,
            time: None,
            bus: "main",
            hops: 2,
            content_type: Some("text/plain"),
            attributes: Some(vec![("id", "a".into())]),
            body: vec![7; body].into(),
        };
        of(&Address { topic }, &message, maximum)
    }

    #[test]
    fn the_length_is_known_before_and_bounded_by_the_broker() {
        for body in [0, 1, 50, 127, 128, 20_000, 3_000_000] {
            let mut publish = publication("a/b", body, LARGEST).unwrap();
            let (len, mut bytes) = (publish.size(), BytesMut::new());
            publish.pkid = 65_535;
            publish.write(&mut bytes).unwrap();
            assert_eq!(bytes.len(), len, "{body}");
        }
        let len = publication("a/b", 100, LARGEST).unwrap().size();
        assert!(publication("a/b", 100, len).is_ok());
        let trouble = publication("a/b", 100, len - 1).unwrap_err();
        assert_eq!(
            (trouble.class, trouble.outcome),
            ("too_large", Outcome::Permanent)
        );
    }

    #[test]
    fn a_topic_is_one_place() {
        for topic in ["", "a/+", "#", "a\0b", "a/b+c", &"a".repeat(65_536)] {
            let trouble = publication(topic, 0, LARGEST).unwrap_err();
            assert_eq!(
                (trouble.class, trouble.outcome),
                ("format_error", Outcome::Permanent)
            );
        }
        for topic in ["a", "/", "a//b", "$share", &"a".repeat(65_535)] {
            assert!(publication(topic, 0, LARGEST).is_ok());
        }
    }

    #[test]
    fn an_attribute_that_mqtt_cannot_carry_is_refused_for_good() {
        assert_eq!(text_of("a", "x\0").unwrap_err().class, "format_error");
        assert_eq!(text_of("a", &"x".repeat(65_536)).unwrap_err().class, "too_large");
    }
}
