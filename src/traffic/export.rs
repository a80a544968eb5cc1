//! The types on a bus as an `AsyncAPI` document.

use std::collections::BTreeMap;

use serde_json::Value;

use super::evidence::Evidence;
use super::listing::Listed;
use super::listing::Stock;
use super::seen::Traffic;
use crate::catalog::BusName;
use crate::catalog::View;
use crate::log::LogError;
use crate::schema::asyncapi;
use crate::schema::asyncapi::Info;
use crate::schema::asyncapi::MessageInfo;
use crate::schema::asyncapi::PayloadSchema;

/// Most types in a document.
const MAX_TYPES: usize = 10_000;

/// The `AsyncAPI` 3 document of a bus: what was seen on it, what its sources declare, and what has a schema
/// and belongs to no other bus. Blocking.
///
/// # Errors
/// The log cannot be read.
pub fn asyncapi(
    traffic: &Traffic,
    view: &View,
    bus: &BusName,
    server: Option<&str>,
) -> Result<Value, LogError> {
    let listed: Vec<Listed> = traffic.with(|seen| {
        let stock = Stock::of(traffic, view, seen);
        let all = stock.kinds().into_iter().map(|kind| stock.about(kind, None, 0));
        let on_bus = all.filter(|listed| listed.buses.is_empty() || listed.buses.contains(bus));
        on_bus
            .take(MAX_TYPES)
            .map(|mut listed| {
                listed.example = Evidence::find(traffic, (view, seen), &listed.kind, Some(bus))?;
                Ok(listed)
            })
            .collect::<Result<_, LogError>>()
    })?;
    let parts: Vec<Parts<'_>> = listed.iter().map(Parts::of).collect();
    let messages: Vec<_> = listed
        .iter()
        .zip(&parts)
        .map(|(listed, parts)| parts.message(listed))
        .collect();
    let version = view.version().to_string();
    let title = format!("Events of the bus {bus}");
    let info = Info {
        title: &title,
        version: &version,
        bus: bus.as_str(),
        description: None,
        server,
    };
    Ok(asyncapi::document(&info, &messages))
}

/// What a message borrows.
struct Parts<'a> {
    schema: Option<&'a crate::catalog::CompiledSchema>,
    version: Option<u32>,
    others: Vec<(&'a str, &'a Value)>,
    sources: Vec<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(listed: &'a Listed) -> Self {
        let latest = listed.schema.as_ref().and_then(|entry| entry.latest());
        let schema = latest.and_then(|version| version.compiled().ok());
        let others: BTreeMap<&str, &Value> = schema
            .map(|schema| schema.document.others().collect())
            .unwrap_or_default();
        Self {
            schema,
            version: latest.map(|version| version.number),
            others: others.into_iter().collect(),
            sources: listed
                .sources
                .iter()
                .map(|source| source.source.as_str())
                .collect(),
        }
    }

    fn message(&'a self, listed: &'a Listed) -> MessageInfo<'a> {
        let settings = listed.schema.as_ref().map(|entry| &entry.settings);
        MessageInfo {
            event_type: &listed.kind,
            schema: self.schema.map(|schema| PayloadSchema {
                value: schema.document.value(),
                draft: schema.document.draft(),
                others: &self.others,
            }),
            version: self.version.map(u64::from),
            description: settings.and_then(|settings| settings.description.as_deref()),
            example: listed.example.as_ref().map(|example| &example.data),
            sources: &self.sources,
        }
    }
}
