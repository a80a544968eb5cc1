//! What it costs to judge one value: how many schemas apply to it, each as often as it does.

use std::collections::HashMap;

use serde_json::Value;

use super::error::SchemaError;
use super::paths::places::Link;
use super::paths::places::PlaceId;
use super::paths::places::Places;

/// Most schemas that may apply to one value, each counted as often as something leads to it: schemas of people
/// have some hundred.
const MAX_APPLIED: u64 = 20_000;
/// Longest way over references and combinations.
const MAX_WAY: usize = 1_000;

/// Lists of schemas for the same value.
const LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// Single ones.
const SINGLES: [&str; 4] = ["not", "if", "then", "else"];
/// Those under names.
const NAMED: [&str; 2] = ["dependentSchemas", "dependencies"];

/// Refuses a document with a value that takes unreasonable time to judge: a few lines of references, each
/// used twice, apply a schema a million times.
///
/// Linear in the document.
pub(super) fn check(places: &Places<'_>) -> Result<(), SchemaError> {
    let mut costs = Costs {
        places,
        known: HashMap::new(),
    };
    for place in places.all() {
        let Some(id) = places.place_of(place.value) else {
            continue;
        };
        if costs.of(id, 0) > MAX_APPLIED {
            let detail =
                format!("more than {MAX_APPLIED} schemas apply to one value, combined and by reference");
            return Err(SchemaError::new("", "too-complex", detail)
                .corrected("a definition that is used by many is named once, not at every level twice"));
        }
    }
    Ok(())
}

struct Costs<'p, 'a> {
    places: &'p Places<'a>,
    /// Nothing while it is being found out: what leads back to itself was refused before.
    known: HashMap<PlaceId, u64>,
}

impl Costs<'_, '_> {
    fn of(&mut self, id: PlaceId, way: usize) -> u64 {
        if let Some(known) = self.known.get(&id) {
            return *known;
        }
        let Some(place) = self.places.get(id).filter(|_| way < MAX_WAY) else {
            return MAX_APPLIED + 1;
        };
        self.known.insert(id, 0);
        let mut cost: u64 = 1;
        let dynamic = place.dynamic.map(|(link, _)| link);
        for link in [Some(place.reference), dynamic].into_iter().flatten() {
            if let Link::To(target) = link {
                cost = cost.saturating_add(self.of(target, way + 1));
            }
        }
        let value = place.value;
        for inner in applied(value) {
            if let Some(inner) = self.places.place_of(inner) {
                cost = cost.saturating_add(self.of(inner, way + 1));
            }
        }
        self.known.insert(id, cost);
        cost
    }
}

/// The schemas inside one that apply to the same value.
fn applied(schema: &Value) -> impl Iterator<Item = &Value> {
    let lists = LISTS
        .iter()
        .filter_map(|keyword| schema.get(*keyword)?.as_array());
    let singles = SINGLES.iter().filter_map(|keyword| schema.get(*keyword));
    let named = NAMED
        .iter()
        .filter_map(|keyword| schema.get(*keyword)?.as_object());
    lists
        .flatten()
        .chain(singles)
        .chain(named.flat_map(|members| members.values()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::schema::NoReferences;
    use crate::schema::SchemaDocument;

    /// Definitions of which each names the next one twice.
    fn doubling(levels: usize) -> serde_json::Value {
        let mut definitions = serde_json::Map::new();
        for level in 0..levels {
            let next = json!({ "$ref": format!("#/$defs/d{}", level + 1) });
            definitions.insert(format!("d{level}"), json!({ "allOf": [next, next] }));
        }
        definitions.insert(format!("d{levels}"), json!({ "type": "string" }));
        json!({ "$ref": "#/$defs/d0", "$defs": definitions })
    }

    #[test]
    fn a_few_lines_cannot_apply_a_schema_a_million_times() {
        let refused = SchemaDocument::from_value(doubling(24), &NoReferences).unwrap_err();
        assert_eq!(refused[0].code, "too-complex");
        SchemaDocument::from_value(doubling(8), &NoReferences).unwrap();
    }

    #[test]
    fn a_recursive_schema_of_many_alternatives_is_none_of_them() {
        let alternatives: Vec<_> = (0..200)
            .map(|kind| json!({ "properties": { "kind": { "const": kind }, "inner": { "$ref": "#" } } }))
            .collect();
        SchemaDocument::from_value(json!({ "oneOf": alternatives }), &NoReferences).unwrap();
    }
}
