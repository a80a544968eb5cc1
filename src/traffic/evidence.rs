//! Real data as it may be shown: what some rule masks for its targets, nobody else sees either.

use serde_json::Value;

use super::event;
use super::seen::Seen;
use super::seen::Traffic;
use crate::catalog::BusName;
use crate::catalog::View;
use crate::log::LogError;
use crate::schema::infer::Statistics;
use crate::transform::Masked;

/// Newest events that are looked at for one with data.
const LOOKED_AT: usize = 5;
/// Longest example, in bytes of JSON.
const MAX_EXAMPLE: usize = 16 * 1024;

/// The places of a type's data that some rule masks.
#[derive(Debug, Default)]
pub struct Masks {
    places: Vec<Masked>,
    /// The same as paths, such as `$.customers[*].email`.
    paths: Vec<String>,
}

impl Masks {
    /// Those of all rules that may match a type.
    #[must_use]
    pub fn of(view: &View, kind: &str) -> Self {
        let mut masks = Self::default();
        let rules = view.buses().flat_map(|bus| bus.rules.values());
        for live in rules.filter(|live| live.rule.may_match_type(kind)) {
            for (place, path) in live.rule.masks() {
                let path = path.text();
                if !masks.paths.contains(&path) {
                    masks.places.push(place);
                    masks.paths.push(path);
                }
            }
        }
        masks
    }

    /// Puts stars in place of what is masked.
    pub fn hide(&self, data: &mut Value) {
        self.places.iter().for_each(|place| place.hide(data));
    }

    /// Whether values of the field at this path are masked, or lie in something that is.
    #[must_use]
    pub fn cover(&self, path: &str) -> bool {
        let path = path.replace(".*", "[*]");
        self.paths.iter().any(|masked| {
            let rest = path.strip_prefix(masked.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }

    /// Takes the values of masked fields out of statistics.
    pub(super) fn hide_in_statistics(&self, statistics: &mut Statistics) {
        for field in statistics
            .fields
            .iter_mut()
            .filter(|field| self.cover(&field.path))
        {
            field.values.clear();
            (field.min, field.max) = (None, None);
        }
    }

    /// Takes the choices of masked fields out of a proposed schema.
    pub(super) fn hide_in_schema(&self, schema: &mut Value) {
        if !self.paths.is_empty() {
            self.hide_below(schema, "$");
        }
    }

    /// Recursion is as deep as schemas are proposed.
    fn hide_below(&self, schema: &mut Value, path: &str) {
        let Some(members) = schema.as_object_mut() else {
            return;
        };
        if self.cover(path) {
            members.remove("enum");
        }
        if let Some(Value::Object(properties)) = members.get_mut("properties") {
            for (name, inner) in properties {
                self.hide_below(inner, &format!("{path}{}", crate::schema::paths::member(name)));
            }
        }
        for keyword in ["items", "additionalProperties"] {
            if let Some(inner) = members.get_mut(keyword) {
                self.hide_below(inner, &format!("{path}[*]"));
            }
        }
    }
}

/// Data of a real event of a type.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The event's bus.
    pub bus: BusName,
    /// Its number there.
    pub sequence: u64,
    /// Its data, masked.
    pub data: Value,
}

impl Evidence {
    /// One of the newest events of a type with JSON data that is not too long, on a bus or on any. Blocking.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn find(
        traffic: &Traffic,
        (view, seen): (&View, &Seen),
        kind: &str,
        bus: Option<&BusName>,
    ) -> Result<Option<Self>, LogError> {
        for (bus, sequence) in event::places(seen, kind, bus, LOOKED_AT) {
            let read = event::read(traffic.log(), view, &bus, sequence)?;
            let read = read.filter(|event| event.data().bytes().len() <= MAX_EXAMPLE);
            if let Some(mut data) = read.as_ref().and_then(event::data) {
                Masks::of(view, kind).hide(&mut data);
                return Ok(Some(Self { bus, sequence, data }));
            }
        }
        Ok(None)
    }
}
