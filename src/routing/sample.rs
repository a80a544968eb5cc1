//! An event to try rules on: any subset of attributes, and the data as the bytes sent.

use bytes::Bytes;
use serde_json::Map;
use serde_json::Value;

use crate::event;
use crate::pattern::EventView;
use crate::pattern::Scalar;
use crate::secret;
use crate::transform;
use crate::transform::Attribute;
use crate::transform::Chain;
use crate::transform::Document;
use crate::transform::Facts;
use crate::transform::MaskKey;

/// What was given is not an event, not even a part of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SampleError(String);

/// Some attributes and, if any, data.
#[derive(Debug, Clone)]
pub struct Sample {
    attributes: Vec<(String, Attribute)>,
    data: Option<Bytes>,
}

impl Sample {
    /// Reads a JSON object; what is under `data` is kept as it stands there.
    ///
    /// # Errors
    /// The text is no object of scalars and data.
    pub fn read(text: &[u8]) -> Result<Self, SampleError> {
        let malformed = SampleError;
        let members = event::json::members(text, event::MAX_JSON_DEPTH)
            .map_err(|error| malformed(format!("the event is not valid JSON: {error}")))?
            .ok_or_else(|| malformed("an event is a JSON object of attributes and data".to_owned()))?;
        let mut sample = Self {
            attributes: Vec::new(),
            data: None,
        };
        for member in members {
            let slice = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
            let key: String =
                serde_json::from_slice(slice(member.key)).map_err(|error| malformed(error.to_string()))?;
            let value = slice(member.value);
            if key == "data" {
                sample.data = Some(Bytes::copy_from_slice(value));
                continue;
            }
            let value: Value = serde_json::from_slice(value).map_err(|error| malformed(error.to_string()))?;
            let value = match value {
                Value::String(text) => Attribute::String(text),
                Value::Bool(truth) => Attribute::Boolean(truth),
                Value::Number(number) => {
                    match number.as_i64().and_then(|number| i32::try_from(number).ok()) {
                        Some(number) => Attribute::Integer(number),
                        None => {
                            return Err(malformed(format!(
                                "the attribute `{key}` must be an integer of 32 bits"
                            )));
                        }
                    }
                }
                Value::Null => continue,
                Value::Array(_) | Value::Object(_) => {
                    return Err(malformed(format!(
                        "the attribute `{key}` must be a string, a boolean or an integer"
                    )));
                }
            };
            sample.attributes.push((key, value));
        }
        Ok(sample)
    }

    /// Shows the event to a matcher.
    pub fn with_view<T>(&self, use_view: impl FnOnce(&EventView<'_>) -> T) -> T {
        let attributes: Vec<_> = self
            .attributes
            .iter()
            .map(|(name, value)| (name.as_str(), scalar(value)))
            .collect();
        use_view(&EventView {
            attributes: &attributes,
            data: self.data.as_deref(),
        })
    }

    /// The event after the transforms, in the CloudEvents JSON format.
    ///
    /// # Errors
    /// Why one of them failed, in words.
    pub fn output(&self, chain: Chain<'_>, rule: &str, bus: &str, now_ms: i64) -> Result<Value, String> {
        let is_attribute = |(name, _): &&(String, Attribute)| name != "specversion";
        let attributes = self.attributes.iter().filter(is_attribute).cloned().collect();
        let data = self
            .data
            .clone()
            .map_or(transform::Data::None, transform::Data::Verbatim);
        let mut document = Document { attributes, data };
        if !chain.is_empty() {
            let key = chain.needs_mask_key().then(secret::mask_key).flatten();
            let mask_key = key.and_then(MaskKey::new);
            let facts = Facts {
                now_ms,
                rule,
                bus,
                sequence: 0,
                mask_key: mask_key.as_ref(),
            };
            document = chain
                .apply(document, &facts)
                .map_err(|failure| failure.to_string())?;
        }
        let mut output = Map::new();
        for (name, value) in document.attributes {
            let value = match value {
                Attribute::String(text) => Value::String(text),
                Attribute::Integer(number) => Value::from(number),
                Attribute::Boolean(truth) => Value::Bool(truth),
            };
            output.insert(name, value);
        }
        match document.data {
            transform::Data::None => {}
            transform::Data::Json(bytes) | transform::Data::Verbatim(bytes) => {
                let value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
                output.insert("data".into(), value);
            }
        }
        Ok(Value::Object(output))
    }
}

fn scalar(value: &Attribute) -> Scalar<'_> {
    match value {
        Attribute::String(text) => Scalar::String(text),
        Attribute::Integer(number) => Scalar::Integer(*number),
        Attribute::Boolean(truth) => Scalar::Boolean(*truth),
    }
}
