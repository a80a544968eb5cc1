//! What a queue gets of an event: one message.

use std::borrow::Cow;

use bytes::Bytes;
use chrono::DateTime;

use super::STRUCTURED;
use crate::catalog::QueueMode;
use crate::event;
use crate::event::AttributeValue;
use crate::event::Data;
use crate::event::Event;
use crate::target::Call;

/// What a JSON event takes beside its data, about.
const ENVELOPE: usize = 512;

/// One event as one message of a queue.
#[derive(Debug, Clone)]
pub(crate) struct Message<'a> {
    /// The same for every attempt of this delivery (`webhook-id`).
    pub id: &'a str,
    /// The type of the event.
    pub kind: &'a str,
    /// The source of the event.
    pub source: &'a str,
    /// The subject of the event, if it has one.
    pub subject: Option<&'a str>,
    /// The event's own time in Unix seconds, if it has one.
    pub time: Option<i64>,
    /// The bus of the event.
    pub bus: &'a str,
    /// How often the event has been published already; goes along as `tramline-hops` where the protocol
    /// has headers.
    pub hops: u8,
    /// Content type of the body.
    pub content_type: Option<&'a str>,
    /// Binary mode: the event's attributes by bare name, `specversion` among them, in canonical text
    /// form, not `datacontenttype`. `None` in structured mode.
    pub attributes: Option<Vec<(&'a str, Cow<'a, str>)>>,
    /// The body: the event in JSON format in structured mode, the data alone in binary mode.
    pub body: Bytes,
}

impl<'a> Message<'a> {
    /// The message of a call.
    pub(super) fn of(call: &Call<'a>, mode: QueueMode) -> Self {
        let event = call.event;
        let (content_type, attributes, body) = match mode {
            QueueMode::Structured => {
                let mut body = Vec::with_capacity(event.data().bytes().len() + ENVELOPE);
                event::write_json(event, &mut body);
                (Some(STRUCTURED), None, body.into())
            }
            QueueMode::Binary => (
                data_type(event),
                Some(attributes(event)),
                event.data().bytes().clone(),
            ),
        };
        let time = event
            .text("time")
            .and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        Self {
            id: call.webhook_id,
            kind: event.kind(),
            source: event.source(),
            subject: event.text("subject"),
            time: time.map(|time| time.timestamp()),
            bus: call.bus,
            hops: call.hops,
            content_type,
            attributes,
            body,
        }
    }
}

fn attributes(event: &Event) -> Vec<(&str, Cow<'_, str>)> {
    let version = ("specversion", Cow::Borrowed("1.0"));
    let others = event.attributes().iter().map(|(name, value)| {
        let text = match value {
            AttributeValue::String(text) => Cow::Borrowed(text.as_str()),
            AttributeValue::Integer(number) => Cow::Owned(number.to_string()),
            AttributeValue::Boolean(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
        };
        (name.as_str(), text)
    });
    let others = others.filter(|(name, _)| *name != "datacontenttype");
    std::iter::once(version).chain(others).collect()
}

/// The data's own content type; JSON is one also without saying so.
fn data_type(event: &Event) -> Option<&str> {
    let named = event.text("datacontenttype");
    match event.data() {
        Data::Json(_) => named.or(Some("application/json")),
        _ => named,
    }
}
