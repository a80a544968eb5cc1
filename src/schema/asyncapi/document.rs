//! The `AsyncAPI` document of a bus.

use jsonschema::Draft;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::data::looks_like_reference;
use super::hoist::hoist;
use super::names::Names;
use crate::schema::paths::places::Places;

/// What a document says of its bus.
#[derive(Debug, Clone, Copy)]
pub struct Info<'a> {
    /// Title of the document.
    pub title: &'a str,
    /// Version of the document.
    pub version: &'a str,
    /// Name of the bus.
    pub bus: &'a str,
    /// What the bus is for; `CommonMark`.
    pub description: Option<&'a str>,
    /// URL of the server, such as `https://bus.example:8080`.
    pub server: Option<&'a str>,
}

/// The schema of an event's data.
#[derive(Debug, Clone, Copy)]
pub struct PayloadSchema<'a> {
    /// The schema.
    pub value: &'a Value,
    /// The draft by which it is read.
    pub draft: Draft,
    /// The other documents that it refers to, each with its URL.
    pub others: &'a [(&'a str, &'a Value)],
}

/// An event type on the bus.
#[derive(Debug, Clone, Copy)]
pub struct MessageInfo<'a> {
    /// The event type.
    pub event_type: &'a str,
    /// The schema of the data.
    pub schema: Option<PayloadSchema<'a>>,
    /// The version of the schema.
    pub version: Option<u64>,
    /// What the event says; `CommonMark`.
    pub description: Option<&'a str>,
    /// Data of one such event.
    pub example: Option<&'a Value>,
    /// Sources that emit it.
    pub sources: &'a [&'a str],
}

/// The `AsyncAPI` 3.0.0 document of a bus: one channel, which is where events are published, with a message
/// for each event type.
///
/// A message is an event in the binary mode of `CloudEvents`: its attributes are headers, its data the payload.
/// Each schema becomes a component with its format, and so does every part of it that is referred to. A schema
/// that cannot be exported is left out, and `x-tramline-schema-left-out` says why. An example that would look
/// like a reference is left out too.
#[must_use]
pub fn document(info: &Info<'_>, messages: &[MessageInfo<'_>]) -> Value {
    let mut parts = Parts::default();
    let headers = parts.names.take("CloudEventsHeaders");
    parts.schemas.insert(headers.clone(), cloud_events_headers());
    for message in messages {
        parts.add(message, &headers);
    }
    let channel = Names::default().take(info.bus);
    let on_channel = parts.messages.keys();
    let on_channel: Map<String, Value> = on_channel
        .map(|name| {
            (
                name.clone(),
                json!({"$ref": format!("#/components/messages/{name}")}),
            )
        })
        .collect();
    let mut about = json!({"title": info.title, "version": info.version});
    if let (Some(text), Value::Object(about)) = (info.description, &mut about) {
        about.insert("description".to_owned(), text.into());
    }
    let reference = json!({"$ref": format!("#/channels/{channel}")});
    let mut document = json!({
        "asyncapi": "3.0.0",
        "info": about,
        "defaultContentType": "application/json",
    });
    if let Value::Object(document) = &mut document {
        if let Some(server) = info.server.and_then(server) {
            document.insert("servers".to_owned(), json!({"tramline": server}));
        }
        document.insert(
            "channels".to_owned(),
            json!({channel: {
                "address": format!("/v1/buses/{}/events", info.bus),
                "title": info.bus,
                "messages": on_channel,
            }}),
        );
        document.insert(
            "operations".to_owned(),
            json!({
                "publish": {
                    "action": "receive",
                    "channel": reference,
                    "summary": "Producers publish events to the bus.",
                },
                "deliver": {
                    "action": "send",
                    "channel": reference,
                    "summary": "The bus delivers events to the targets of its rules.",
                },
            }),
        );
        document.insert(
            "components".to_owned(),
            json!({"messages": parts.messages, "schemas": parts.schemas}),
        );
    }
    document
}

/// How `AsyncAPI` calls the schemas of a draft; a name of its own only draft 7 has in the specification.
#[must_use]
pub fn schema_format(draft: Draft) -> &'static str {
    match draft {
        Draft::Draft4 => "application/schema+json;version=draft-04",
        Draft::Draft6 => "application/schema+json;version=draft-06",
        Draft::Draft7 => "application/schema+json;version=draft-07",
        Draft::Draft201909 => "application/schema+json;version=draft-2019-09",
        _ => "application/schema+json;version=draft-2020-12",
    }
}

#[derive(Default)]
struct Parts {
    /// Of the components that are schemas.
    names: Names,
    message_names: Names,
    messages: Map<String, Value>,
    schemas: Map<String, Value>,
}

impl Parts {
    fn add(&mut self, info: &MessageInfo<'_>, headers: &str) {
        let mut message = Map::new();
        let mut set = |key: &str, value: Value| {
            message.insert(key.to_owned(), value);
        };
        set("name", info.event_type.into());
        set("title", info.event_type.into());
        if let Some(text) = info.description {
            set("description", text.into());
        }
        set("contentType", "application/json".into());
        set(
            "headers",
            json!({"allOf": [
                {"$ref": format!("#/components/schemas/{headers}")},
                {"type": "object", "properties": {"ce-type": {"const": info.event_type}}},
            ]}),
        );
        match info
            .schema
            .as_ref()
            .map(|schema| self.payload(info.event_type, schema))
        {
            None => {}
            Some(Ok(name)) => set("payload", json!({"$ref": format!("#/components/schemas/{name}")})),
            Some(Err(reason)) => set("x-tramline-schema-left-out", reason.into()),
        }
        if let Some(example) = info.example.filter(|example| !looks_like_reference(example)) {
            set("examples", json!([{"payload": example}]));
        }
        if !info.sources.is_empty() {
            set("x-tramline-sources", json!(info.sources));
        }
        if let Some(version) = info.version {
            set("x-tramline-schema-version", version.into());
        }
        let name = self.message_names.take(info.event_type);
        self.messages.insert(name, Value::Object(message));
    }

    /// Adds the components of a schema; the name of the first, or why it cannot be done.
    fn payload(&mut self, event_type: &str, schema: &PayloadSchema<'_>) -> Result<String, String> {
        let places = Places::of(schema.value, schema.draft, schema.others);
        let components = hoist(&places, event_type, &mut self.names).map_err(|error| error.to_string())?;
        let first = components.first().map(|component| component.name.clone());
        for component in components {
            let schema = json!({"schemaFormat": schema_format(component.draft), "schema": component.schema});
            self.schemas.insert(component.name, schema);
        }
        first.ok_or_else(|| "the schema is empty".to_owned())
    }
}

/// The attributes of `CloudEvents` as headers, for all messages.
fn cloud_events_headers() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    json!({
        "type": "object",
        "required": ["ce-specversion", "ce-id", "ce-source", "ce-type"],
        "properties": {
            "ce-specversion": {"const": "1.0"},
            "ce-id": text("Unique among the events of its source."),
            "ce-source": text("Where the event happened: a URI reference."),
            "ce-type": text("The event type."),
            "ce-subject": text("What it is about, within its source."),
            "ce-time": {"type": "string", "format": "date-time"},
            "ce-dataschema": {"type": "string", "format": "uri"},
            "content-type": text("The media type of the payload."),
        },
    })
}

/// A server by its URL; none if that is no URL of a server.
fn server(url: &str) -> Option<Value> {
    let (protocol, rest) = url.split_once("://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if protocol.is_empty() || host.is_empty() {
        return None;
    }
    let mut server = json!({"host": host, "protocol": protocol});
    let path = path.trim_end_matches('/');
    if let (Value::Object(server), false) = (&mut server, path.is_empty()) {
        server.insert("pathname".to_owned(), format!("/{path}").into());
    }
    Some(server)
}
