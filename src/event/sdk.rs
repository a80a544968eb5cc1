//! To and from the event type of the CloudEvents SDK, for programs that embed Tramline.

use bytes::Bytes;
use cloudevents::EventBuilder;
use cloudevents::EventBuilderV10;
use cloudevents::event::ExtensionValue;

use super::AttributeName;
use super::AttributeValue;
use super::Data;
use super::Event;
use super::EventError;
use super::event_from_json;

/// An event that the SDK cannot hold, or that is no valid event of its own.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SdkError {
    /// The SDK cannot hold this event, for one because it parses JSON data (`1e400`).
    #[error("the CloudEvents SDK cannot hold this event: {0}")]
    Unrepresentable(String),
    /// The SDK's event is not valid.
    #[error(transparent)]
    Invalid(#[from] EventError),
}

impl TryFrom<&Event> for cloudevents::Event {
    type Error = SdkError;

    fn try_from(event: &Event) -> Result<Self, Self::Error> {
        let mut builder = EventBuilderV10::new();
        for (name, value) in event.attributes() {
            let text = value.to_string();
            builder = match name.as_str() {
                "id" => builder.id(text),
                "source" => builder.source(text),
                "type" => builder.ty(text),
                "subject" => builder.subject(text),
                "time" => builder.time(text),
                // Both are given with the data below.
                "datacontenttype" | "dataschema" => builder,
                name => match value {
                    AttributeValue::String(text) => builder.extension(name, text.clone()),
                    AttributeValue::Integer(number) => builder.extension(name, i64::from(*number)),
                    AttributeValue::Boolean(truth) => builder.extension(name, *truth),
                },
            };
        }
        let mut made = builder
            .build()
            .map_err(|error| SdkError::Unrepresentable(error.to_string()))?;
        let unrepresentable = |error: String| SdkError::Unrepresentable(error);
        let data = match event.data() {
            Data::None => None,
            Data::Json(json) => {
                let value: serde_json::Value =
                    serde_json::from_slice(json).map_err(|error| unrepresentable(error.to_string()))?;
                Some(cloudevents::Data::Json(value))
            }
            Data::Text(text) => Some(cloudevents::Data::String(
                String::from_utf8_lossy(text).into_owned(),
            )),
            Data::Binary(bytes) => Some(cloudevents::Data::Binary(bytes.to_vec())),
        };
        if let Some(data) = data {
            made.set_data_unchecked(data);
        }
        Ok(made)
    }
}

impl TryFrom<&cloudevents::Event> for Event {
    type Error = SdkError;

    fn try_from(event: &cloudevents::Event) -> Result<Self, Self::Error> {
        let json = serde_json::to_vec(event).map_err(|error| SdkError::Unrepresentable(error.to_string()))?;
        let read = event_from_json(&Bytes::from(json), None)?;
        let mut attributes = read.attributes;
        for (name, value) in event.iter_extensions() {
            if let ExtensionValue::Integer(number) = value {
                let number = i32::try_from(*number).map_err(|_| EventError::Invalid {
                    attribute: name.to_owned(),
                    reason: "must be an integer of 32 bits",
                })?;
                let name = AttributeName::parse(name)?;
                attributes.retain(|(known, _)| *known != name);
                attributes.push((name, AttributeValue::Integer(number)));
            }
        }
        Ok(Self::new(attributes, read.data)?)
    }
}
