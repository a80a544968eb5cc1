//! What the steps of one transform work on.

use serde_json::Map;
use serde_json::Value;

use super::document::Attribute;
use super::document::Data;
use super::document::Document;
use super::document::Facts;
use super::document::MaskKey;
use super::document::MediaType;
use super::error::Reason;
use super::limits::check_output;

/// The version of `CloudEvents` that every event on a bus has.
const SPEC_VERSION: &str = "1.0";

/// An event on its way through the steps.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    /// The event as one JSON document: attributes, `specversion` among them, then `data`.
    pub(super) event: Value,
    /// What templates know beside it.
    facts: &'a Facts<'a>,
    /// The data to hand on, while no step has replaced it.
    untouched: Option<Data>,
    /// Whether a step has said what the content type is.
    content_type_is_set: bool,
}

impl<'a> Scope<'a> {
    /// Opens the event. Data that is neither JSON nor text is absent from the document.
    pub(super) fn open(document: Document, facts: &'a Facts<'a>) -> Self {
        let data = readable(&document);
        let mut event = Map::new();
        event.insert("specversion".to_owned(), SPEC_VERSION.into());
        for (name, value) in document.attributes {
            event.insert(name, value.into_json());
        }
        if let Some(data) = data {
            event.insert("data".to_owned(), data);
        }
        Self {
            event: event.into(),
            facts,
            untouched: Some(document.data),
            content_type_is_set: false,
        }
    }

    /// Replaces the data by JSON and says so in the content type, unless a step has its own idea.
    pub(super) fn replace_data(&mut self, data: Value) -> Result<(), Reason> {
        check_output(&data)?;
        self.untouched = None;
        if !self.content_type_is_set {
            self.edit(|event| drop(event.insert("datacontenttype".to_owned(), "application/json".into())));
        }
        self.edit(|event| drop(event.insert("data".to_owned(), data)));
        Ok(())
    }

    /// Changes what lies below the data. A text has nothing below.
    ///
    /// The data is written anew even if nothing was found: a key that it repeats is read once only,
    /// and what hides behind it must not go on.
    ///
    /// # Errors
    /// The reason, if there is data that cannot be looked into, and so not be changed.
    pub(super) fn edit_data(&mut self, change: impl FnOnce(&mut Value)) -> Result<(), Reason> {
        match self.event.get_mut("data") {
            Some(data @ (Value::Object(_) | Value::Array(_))) => {
                change(data);
                check_output(data)?;
                self.untouched = None;
                Ok(())
            }
            None if matches!(self.untouched, Some(Data::Verbatim(_))) => {
                Err("the data is neither JSON nor text".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// The key of masks that are hashes.
    pub(super) fn mask_key(&self) -> Option<&'a [u8]> {
        self.facts.mask_key.map(MaskKey::bytes)
    }

    /// Sets an attribute, or removes it.
    pub(super) fn set_attribute(&mut self, name: &str, value: Option<Attribute>) {
        self.content_type_is_set |= name == "datacontenttype";
        self.edit(|event| match value {
            Some(value) => drop(event.insert(name.to_owned(), value.into_json())),
            None => drop(event.shift_remove(name)),
        });
    }

    /// The value of a name that templates know without a path.
    pub(super) fn fact(&self, fact: Fact) -> Value {
        match fact {
            Fact::EventJson => self.event.to_string().into(),
            Fact::Envelope => {
                let mut envelope = self.event.clone();
                if let Value::Object(members) = &mut envelope {
                    members.shift_remove("data");
                }
                envelope
            }
            known => self.facts.value(known).unwrap_or_default(),
        }
    }

    /// The event as the steps left it.
    pub(super) fn close(self) -> Document {
        let Value::Object(mut event) = self.event else {
            return Document {
                attributes: Vec::new(),
                data: self.untouched.unwrap_or(Data::None),
            };
        };
        let made = event.shift_remove("data");
        event.shift_remove("specversion");
        let attributes = event
            .into_iter()
            .filter_map(|(name, value)| Some((name, Attribute::from_json(&value)?)));
        Document {
            attributes: attributes.collect(),
            data: self
                .untouched
                .unwrap_or_else(|| made.map_or(Data::None, |data| Data::Json(data.to_string().into()))),
        }
    }

    /// Changes members of the event and leaves `data` the last of them.
    fn edit(&mut self, change: impl FnOnce(&mut Map<String, Value>)) {
        let Value::Object(event) = &mut self.event else {
            return;
        };
        let data = event.shift_remove("data");
        change(event);
        if let Some(data) = data {
            event.entry("data").or_insert(data);
        }
    }
}

/// A name that templates know without a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    /// When the event was accepted, RFC 3339 in UTC with milliseconds.
    Now,
    /// The name of the rule.
    Rule,
    /// The name of the bus.
    Bus,
    /// The number of the event on the bus.
    Sequence,
    /// The whole event as a string of JSON.
    EventJson,
    /// The event without its data.
    Envelope,
}

/// The data as JSON: parsed if its type is JSON, a string if its type is text.
fn readable(document: &Document) -> Option<Value> {
    if let Some(json) = document.json() {
        return serde_json::from_slice(json).ok();
    }
    match &document.data {
        Data::Verbatim(bytes) if document.media_type() == MediaType::Text => {
            std::str::from_utf8(bytes).ok().map(Value::from)
        }
        _ => None,
    }
}
