//! A schema taken apart into components: what is referred to becomes a component, and every reference leads to one.
//!
//! The parts judge the same documents as the schema, with nothing but `$ref` to hold them together: `$id`,
//! anchors, and definitions that nothing refers to are gone. A dynamic reference becomes a plain one; where it
//! leads depends on the way to it, so that a part is written once for each way that makes a difference.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;

use jsonschema::Draft;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::circles::enclose;
use super::data::also;
use super::data::exactly;
use super::data::insert;
use super::data::looks_like_reference;
use super::names::Names;
use crate::schema::paths::keywords::Holds;
use crate::schema::paths::keywords::holds;
use crate::schema::paths::keywords::reference_stands_alone;
use crate::schema::paths::places::Link;
use crate::schema::paths::places::PlaceId;
use crate::schema::paths::places::Places;
use crate::schema::paths::places::ResourceId;

/// Most components of one schema.
const MAX_COMPONENTS: usize = 5_000;
/// Most schemas that are written for one schema, copies included.
const MAX_WRITTEN: usize = 300_000;
/// Deepest nesting that is written: more than an accepted document has.
const MAX_DEPTH: usize = 128;

/// Keywords that name or hold what is addressed otherwise now.
const LEFT_OUT: [&str; 11] = [
    "$anchor",
    "$defs",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$recursiveAnchor",
    "$recursiveRef",
    "$ref",
    "$schema",
    "$vocabulary",
    "definitions",
];

/// Why a schema cannot be taken apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HoistError {
    /// A reference leads nowhere that was given.
    #[error("the reference `{0}` leads nowhere")]
    Dangling(String),
    /// It becomes too large.
    #[error("the schema becomes too large when its references are rewritten")]
    TooLarge,
}

/// A part of a schema.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Component {
    pub(super) name: String,
    pub(super) draft: Draft,
    pub(super) schema: Value,
}

/// Takes a schema apart; the first component is the schema itself, named like `wanted`, the others after it.
pub(super) fn hoist(
    places: &Places<'_>,
    wanted: &str,
    names: &mut Names,
) -> Result<Vec<Component>, HoistError> {
    let mut hoist = Hoist {
        targets: targets(places),
        ambiguous: ambiguous(places),
        places,
        wanted,
        names,
        named: HashMap::new(),
        waiting: VecDeque::new(),
        written: 0,
    };
    let scope = hoist.entered(&Scope::new(), Places::root());
    hoist.reference(Places::root(), scope);
    let mut components = Vec::new();
    while let Some((name, place, scope)) = hoist.waiting.pop_front() {
        if components.len() >= MAX_COMPONENTS {
            return Err(HoistError::TooLarge);
        }
        components.push(Component {
            name,
            draft: places.draft(place),
            schema: hoist.schema(place, &scope, 0)?,
        });
    }
    Ok(enclose(components))
}

/// The pointer to the schema of a component.
pub(super) fn address(name: &str) -> String {
    format!("#/components/schemas/{name}/schema")
}

/// Where names lead that dynamic references use: those that more than one resource has.
type Scope = BTreeMap<String, PlaceId>;

struct Hoist<'p, 'a, 'n> {
    places: &'p Places<'a>,
    wanted: &'n str,
    names: &'n mut Names,
    targets: HashSet<PlaceId>,
    ambiguous: HashSet<&'a str>,
    named: HashMap<(PlaceId, Scope), String>,
    waiting: VecDeque<(String, PlaceId, Scope)>,
    written: usize,
}

/// Everything that is referred to, and every part with an address of its own.
fn targets(places: &Places<'_>) -> HashSet<PlaceId> {
    let mut targets: HashSet<_> = places.resources().map(|resource| resource.root).collect();
    for place in places.all() {
        let dynamic = place.dynamic.map_or(Link::None, |(link, _)| link);
        for link in [place.reference, dynamic] {
            if let Link::To(target) = link {
                targets.insert(target);
            }
        }
    }
    targets.extend(
        places
            .resources()
            .flat_map(|resource| resource.dynamic.values().copied()),
    );
    targets
}

fn ambiguous<'a>(places: &Places<'a>) -> HashSet<&'a str> {
    let mut seen = HashSet::new();
    let names = places
        .resources()
        .flat_map(|resource| resource.dynamic.keys().copied());
    names.filter(|name| !seen.insert(*name)).collect()
}

impl Hoist<'_, '_, '_> {
    /// The scope with the names of the resource that a place is in, as far as they are not bound yet.
    fn entered(&self, scope: &Scope, place: PlaceId) -> Scope {
        let mut scope = scope.clone();
        let resource = self.resource(place).and_then(|id| self.places.resource(id));
        for (name, target) in resource.into_iter().flat_map(|resource| &resource.dynamic) {
            if self.ambiguous.contains(name) {
                scope.entry((*name).to_owned()).or_insert(*target);
            }
        }
        scope
    }

    fn resource(&self, place: PlaceId) -> Option<ResourceId> {
        self.places.get(place).map(|place| place.resource)
    }

    /// A reference to the component of a place.
    fn reference(&mut self, place: PlaceId, scope: Scope) -> Value {
        let key = (place, scope);
        if let Some(name) = self.named.get(&key) {
            return json!({"$ref": address(name)});
        }
        let name = self.names.take(&self.wanted_name(place));
        self.waiting.push_back((name.clone(), place, key.1.clone()));
        self.named.insert(key, name.clone());
        json!({"$ref": address(&name)})
    }

    fn wanted_name(&self, id: PlaceId) -> String {
        let Some(place) = self.places.get(id).filter(|_| id != Places::root()) else {
            return self.wanted.to_owned();
        };
        let parts = match place.keyword {
            "" | "$defs" | "definitions" | "properties" => vec![place.name.as_str()],
            keyword => vec![keyword, place.name.as_str()],
        };
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        let parts: Vec<_> = std::iter::once(self.wanted).chain(parts).collect();
        parts.join(".")
    }

    /// A schema that lies in another.
    fn inner(&mut self, value: &Value, scope: &Scope, depth: usize) -> Result<Value, HoistError> {
        let Some(place) = self.places.place_of(value) else {
            return Err(HoistError::TooLarge);
        };
        if self.targets.contains(&place) {
            let scope = self.entered(scope, place);
            return Ok(self.reference(place, scope));
        }
        self.schema(place, scope, depth + 1)
    }

    /// A schema with its references rewritten.
    fn schema(&mut self, id: PlaceId, scope: &Scope, depth: usize) -> Result<Value, HoistError> {
        self.written += 1;
        let place = self.places.get(id).ok_or(HoistError::TooLarge)?;
        if self.written > MAX_WRITTEN || depth > MAX_DEPTH {
            return Err(HoistError::TooLarge);
        }
        let Value::Object(schema) = place.value else {
            return Ok(place.value.clone());
        };
        let draft = self.places.draft(id);
        let references = self.references(id, scope)?;
        let mut written = Map::new();
        if references.is_empty() || !reference_stands_alone(draft) {
            for (keyword, value) in schema {
                self.keyword(keyword, value, draft, scope, depth, &mut written)?;
            }
        }
        match <[Value; 1]>::try_from(references) {
            Ok([reference]) if written.is_empty() => return Ok(reference),
            // Many tools ignore what stands beside a reference.
            Ok([reference]) => also(&mut written, reference),
            Err(references) => references.into_iter().for_each(|one| also(&mut written, one)),
        }
        Ok(Value::Object(written))
    }

    fn keyword(
        &mut self,
        keyword: &str,
        value: &Value,
        draft: Draft,
        scope: &Scope,
        depth: usize,
        written: &mut Map<String, Value>,
    ) -> Result<(), HoistError> {
        if LEFT_OUT.contains(&keyword) || (keyword == "id" && draft == Draft::Draft4 && value.is_string()) {
            return Ok(());
        }
        let value = match (holds(draft, keyword, value), value) {
            (Holds::One, value) => self.inner(value, scope, depth)?,
            (Holds::List, Value::Array(items)) => {
                let all = items.iter().map(|item| self.inner(item, scope, depth));
                Value::Array(all.collect::<Result<_, _>>()?)
            }
            (Holds::Map, Value::Object(members)) => {
                let mut all = Map::new();
                for (name, member) in members {
                    let member = match member {
                        Value::Array(_) => member.clone(),
                        member => self.inner(member, scope, depth)?,
                    };
                    all.insert(name.clone(), member);
                }
                Value::Object(all)
            }
            // The names under this are no data.
            (_, value) if keyword == "dependentRequired" || !looks_like_reference(value) => value.clone(),
            (_, value) => {
                match (keyword, value) {
                    ("const", value) if draft >= Draft::Draft6 => also(written, exactly(value, draft)),
                    ("enum", Value::Array(values)) => {
                        let all: Vec<_> = values.iter().map(|value| exactly(value, draft)).collect();
                        also(written, json!({"anyOf": all}));
                    }
                    // Nothing depends on an annotation.
                    _ => {}
                }
                return Ok(());
            }
        };
        insert(written, keyword, value);
        Ok(())
    }

    /// The references of a schema, rewritten.
    fn references(&mut self, id: PlaceId, scope: &Scope) -> Result<Vec<Value>, HoistError> {
        let Some(place) = self.places.get(id) else {
            return Ok(Vec::new());
        };
        let dynamic = match place.dynamic {
            None => Link::None,
            Some((link, name)) => {
                let bound = name.and_then(|name| scope.get(name));
                bound.map_or(link, |target| Link::To(*target))
            }
        };
        let mut references = Vec::new();
        for (link, keywords) in [
            (place.reference, ["$ref", "$ref"]),
            (dynamic, ["$dynamicRef", "$recursiveRef"]),
        ] {
            match link {
                Link::None => {}
                Link::To(target) => {
                    let scope = self.entered(scope, target);
                    references.push(self.reference(target, scope));
                }
                Link::Nowhere => {
                    let text = keywords
                        .iter()
                        .find_map(|keyword| place.value.get(*keyword)?.as_str());
                    return Err(HoistError::Dangling(text.unwrap_or_default().to_owned()));
                }
            }
        }
        Ok(references)
    }
}
