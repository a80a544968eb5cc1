//! A message as the command that adds it to a stream.

use redis::Cmd;

use super::Address;
use crate::target::queue::HOPS;
use crate::target::queue::Message;
use crate::target::queue::STRUCTURED;

/// `XADD` of one message; the server numbers the entry.
pub(super) fn add(to: &Address, message: &Message<'_>) -> Cmd {
    let mut command = redis::cmd("XADD");
    command.arg(&to.stream);
    if let Some(max_len) = to.max_len {
        command.arg("MAXLEN").arg("~").arg(max_len);
    }
    command
        .arg("*")
        .arg("id")
        .arg(message.id)
        .arg(HOPS)
        .arg(message.hops);
    match &message.attributes {
        None => {
            command.arg("content-type").arg(STRUCTURED);
            command.arg("event").arg(&*message.body);
        }
        Some(attributes) => {
            for (name, value) in attributes {
                command.arg(format!("ce-{name}")).arg(value.as_ref());
            }
            if let Some(kind) = message.content_type {
                command.arg("content-type").arg(kind);
            }
            command.arg("data").arg(&*message.body);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(max_len: Option<u64>, attributes: Option<Vec<(&str, std::borrow::Cow<'_, str>)>>) -> String {
        let message = Message {
            id: "msg_1",
            kind: "t",
            source: "/s",
            subject: None,
            time: None,
            bus: "default",
            hops: 2,
            content_type: Some("text/plain"),
            attributes,
            body: "a b".into(),
        };
        let to = Address {
            stream: "orders".to_owned(),
            max_len,
        };
        let command = add(&to, &message);
        let words = command.args_iter().map(|word| match word {
            redis::Arg::Simple(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            _ => "?".to_owned(),
        });
        words.collect::<Vec<_>>().join("|")
    }

    #[test]
    fn a_structured_event_is_one_field_beside_its_content_type() {
        let content = "content-type|application/cloudevents+json; charset=utf-8|event|a b";
        assert_eq!(
            words(None, None),
            format!("XADD|orders|*|id|msg_1|tramline-hops|2|{content}")
        );
        assert_eq!(
            words(Some(1000), None),
            format!("XADD|orders|MAXLEN|~|1000|*|id|msg_1|tramline-hops|2|{content}")
        );
    }

    #[test]
    fn attributes_are_fields_as_they_are() {
        let attributes = vec![("specversion", "1.0".into()), ("subject", "ü 1\r\n".into())];
        assert_eq!(
            words(None, Some(attributes)),
            "XADD|orders|*|id|msg_1|tramline-hops|2|ce-specversion|1.0|ce-subject|ü 1\r\n|content-type|text/plain|data|a b"
        );
    }
}
