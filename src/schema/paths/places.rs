//! The places of a schema document: every schema in it, the resource it belongs to, and where its references lead.

use std::collections::HashMap;

use jsonschema::Draft;
use jsonschema::uri;
use serde_json::Map;
use serde_json::Value;

use super::keywords::Holds;
use super::keywords::holds;
use super::keywords::reference_stands_alone;
use super::pointer;

/// Most schemas that are looked at, references into odd places included: a document of the largest size
/// that is accepted has fewer.
const MAX_PLACES: usize = 300_000;

/// The base of a document that names none; references inside it stay inside it.
const OWN_BASE: &str = "json-schema:///";

/// A schema inside a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::schema) struct PlaceId(usize);

/// A schema that is addressed by a URI of its own: the document, or a part of it with an `$id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::schema) struct ResourceId(usize);

/// What is known of one schema.
#[derive(Debug)]
pub(in crate::schema) struct Place<'a> {
    /// The schema itself.
    pub(in crate::schema) value: &'a Value,
    /// The resource that it is a part of.
    pub(in crate::schema) resource: ResourceId,
    /// The keyword that holds it; empty for a document.
    pub(in crate::schema) keyword: &'a str,
    /// Its name or number under that keyword; empty if the keyword holds one schema.
    pub(in crate::schema) name: String,
    /// Where its `$ref` leads.
    pub(in crate::schema) reference: Link,
    /// Where its `$dynamicRef` or `$recursiveRef` leads at first, and the name that may lead elsewhere.
    pub(in crate::schema) dynamic: Option<(Link, Option<&'a str>)>,
}

/// A reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::schema) enum Link {
    /// There is none.
    None,
    /// It leads here.
    To(PlaceId),
    /// It leads nowhere that is known.
    Nowhere,
}

/// What is known of a resource.
#[derive(Debug)]
pub(in crate::schema) struct Resource<'a> {
    uri: String,
    /// Its outermost schema.
    pub(in crate::schema) root: PlaceId,
    /// The draft by which it is read.
    pub(in crate::schema) draft: Draft,
    anchors: HashMap<&'a str, PlaceId>,
    /// Names to which a dynamic reference may be bound; empty for `$recursiveAnchor`.
    pub(in crate::schema) dynamic: HashMap<&'a str, PlaceId>,
}

/// All schemas of a document and of those that it refers to.
#[derive(Debug, Default)]
pub(in crate::schema) struct Places<'a> {
    all: Vec<Place<'a>>,
    by_address: HashMap<usize, PlaceId>,
    resources: Vec<Resource<'a>>,
    by_uri: HashMap<String, ResourceId>,
}

/// A schema that is about to be looked at.
struct Found<'a> {
    value: &'a Value,
    around: Option<ResourceId>,
    keyword: &'a str,
    name: String,
}

impl<'a> Places<'a> {
    /// Looks through a document, and through `others`, each with its URL, which it may refer to.
    pub(in crate::schema) fn of(value: &'a Value, draft: Draft, others: &[(&str, &'a Value)]) -> Self {
        let mut places = Self::default();
        places.document(OWN_BASE, value, draft);
        for (url, other) in others {
            places.document(url, other, Draft::Draft202012);
        }
        places.link();
        places
    }

    /// The outermost schema of the document.
    pub(in crate::schema) fn root() -> PlaceId {
        PlaceId(0)
    }

    /// What is known of a schema; none for what `self` did not give.
    pub(in crate::schema) fn get(&self, id: PlaceId) -> Option<&Place<'a>> {
        self.all.get(id.0)
    }

    /// What is known of every schema.
    pub(in crate::schema) fn all(&self) -> impl Iterator<Item = &Place<'a>> {
        self.all.iter()
    }

    /// What is known of a resource.
    pub(in crate::schema) fn resource(&self, id: ResourceId) -> Option<&Resource<'a>> {
        self.resources.get(id.0)
    }

    /// All resources.
    pub(in crate::schema) fn resources(&self) -> impl Iterator<Item = &Resource<'a>> {
        self.resources.iter()
    }

    /// The draft by which a schema is read.
    pub(in crate::schema) fn draft(&self, id: PlaceId) -> Draft {
        let resource = self.get(id).and_then(|place| self.resource(place.resource));
        resource.map_or(Draft::Draft202012, |resource| resource.draft)
    }

    /// The place of a value that is one of the schemas.
    pub(in crate::schema) fn place_of(&self, value: &Value) -> Option<PlaceId> {
        self.by_address.get(&address(value)).copied()
    }

    fn document(&mut self, url: &str, value: &'a Value, draft: Draft) {
        let draft = known(draft.detect(value), draft);
        let resource = self.open(url.to_owned(), PlaceId(self.all.len()), draft);
        self.index(Found {
            value,
            around: Some(resource),
            keyword: "",
            name: String::new(),
        });
    }

    fn open(&mut self, uri: String, root: PlaceId, draft: Draft) -> ResourceId {
        let id = ResourceId(self.resources.len());
        self.by_uri.entry(uri.clone()).or_insert(id);
        self.resources.push(Resource {
            uri,
            root,
            draft,
            anchors: HashMap::new(),
            dynamic: HashMap::new(),
        });
        id
    }

    /// Takes in a schema and all inside it.
    fn index(&mut self, found: Found<'a>) {
        let mut waiting = vec![found];
        while let Some(Found {
            value,
            around,
            keyword,
            name,
        }) = waiting.pop()
        {
            if self.all.len() >= MAX_PLACES || self.by_address.contains_key(&address(value)) {
                continue;
            }
            let Some(around) = around else { continue };
            let id = PlaceId(self.all.len());
            let resource = value.as_object().map_or(around, |schema| {
                let resource = self.own_resource(schema, around, id);
                self.anchor(schema, resource, id);
                resource
            });
            self.by_address.insert(address(value), id);
            self.all.push(Place {
                value,
                resource,
                keyword,
                name,
                reference: Link::None,
                dynamic: None,
            });
            if let Value::Object(schema) = value {
                let draft = self
                    .resource(resource)
                    .map_or(Draft::Draft202012, |resource| resource.draft);
                children(schema, draft, resource, &mut waiting);
            }
        }
    }

    /// The resource that a schema opens by its `$id`, else the one around it.
    fn own_resource(
        &mut self,
        schema: &'a Map<String, Value>,
        around: ResourceId,
        id: PlaceId,
    ) -> ResourceId {
        let Some(outer) = self.resource(around) else {
            return around;
        };
        let draft = outer.draft;
        if reference_stands_alone(draft) && schema.contains_key("$ref") {
            return around;
        }
        let Some(name) = schema.get(draft.id_keyword()).and_then(Value::as_str) else {
            return around;
        };
        let plain = name.split_once('#').map_or(name, |(plain, _)| plain);
        if plain.is_empty() {
            return around;
        }
        let Some(uri) = resolved(&outer.uri, plain) else {
            return around;
        };
        if outer.root == id {
            // The document's own name.
            if let Some(resource) = self.resources.get_mut(around.0) {
                resource.uri.clone_from(&uri);
            }
            self.by_uri.entry(uri).or_insert(around);
            return around;
        }
        let named = schema.get("$schema").and_then(Value::as_str);
        let draft = named.map_or(draft, |named| known(Draft::from_schema_uri(named), draft));
        self.open(uri, id, draft)
    }

    fn anchor(&mut self, schema: &'a Map<String, Value>, resource: ResourceId, id: PlaceId) {
        let Some(resource) = self.resources.get_mut(resource.0) else {
            return;
        };
        let text = |keyword: &str| schema.get(keyword).and_then(Value::as_str);
        if reference_stands_alone(resource.draft) {
            let anchor = text(resource.draft.id_keyword()).and_then(|name| name.strip_prefix('#'));
            if let Some(anchor) = anchor.filter(|anchor| !anchor.is_empty()) {
                resource.anchors.entry(anchor).or_insert(id);
            }
            return;
        }
        if let Some(anchor) = text("$anchor") {
            resource.anchors.entry(anchor).or_insert(id);
        }
        if resource.draft >= Draft::Draft202012 {
            if let Some(anchor) = text("$dynamicAnchor") {
                resource.anchors.entry(anchor).or_insert(id);
                resource.dynamic.entry(anchor).or_insert(id);
            }
        } else if schema.get("$recursiveAnchor") == Some(&Value::Bool(true)) && resource.root == id {
            resource.dynamic.entry("").or_insert(id);
        }
    }

    /// Finds out where all references lead; what they lead to may be new, and have references.
    fn link(&mut self) {
        let mut next = 0;
        while let Some(place) = self.all.get(next) {
            let (id, value, resource) = (PlaceId(next), place.value, place.resource);
            next += 1;
            let Value::Object(schema) = value else { continue };
            let draft = self.draft(id);
            let text = |keyword: &str| schema.get(keyword).and_then(Value::as_str);
            let reference = match text("$ref") {
                None => Link::None,
                Some(text) => self.find(resource, text),
            };
            let dynamic = match draft {
                Draft::Draft201909 => text("$recursiveRef"),
                Draft::Draft202012 => text("$dynamicRef"),
                _ => None,
            };
            let dynamic = dynamic.map(|text| {
                let link = self.find(resource, text);
                (link, self.dynamic_name(link, text, draft))
            });
            if let Some(place) = self.all.get_mut(next - 1) {
                place.reference = reference;
                place.dynamic = dynamic;
            }
        }
    }

    /// The name by which a dynamic reference may be bound elsewhere; none if it is a plain one.
    fn dynamic_name(&self, link: Link, text: &'a str, draft: Draft) -> Option<&'a str> {
        let Link::To(id) = link else { return None };
        let resource = self.resource(self.get(id)?.resource)?;
        let name = if draft == Draft::Draft201909 {
            ""
        } else {
            text.split_once('#').map(|(_, anchor)| anchor)?
        };
        (resource.dynamic.get(name) == Some(&id)).then_some(name)
    }

    fn find(&mut self, from: ResourceId, reference: &'a str) -> Link {
        self.lookup(from, reference).map_or(Link::Nowhere, Link::To)
    }

    fn lookup(&mut self, from: ResourceId, reference: &str) -> Option<PlaceId> {
        let (document, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let resource = if document.is_empty() {
            from
        } else {
            let uri = resolved(&self.resource(from)?.uri, document)?;
            *self.by_uri.get(&uri)?
        };
        let resource = self.resource(resource)?;
        if fragment.is_empty() {
            return Some(resource.root);
        }
        if let Some(pointer) = fragment.strip_prefix('/') {
            let root = resource.root;
            return self.at(root, pointer);
        }
        resource
            .anchors
            .get(pointer::decoded(fragment)?.as_str())
            .copied()
    }

    /// What a pointer leads to; a place where no keyword holds a schema becomes one.
    fn at(&mut self, root: PlaceId, pointer: &str) -> Option<PlaceId> {
        let root = self.get(root)?;
        let (mut value, mut around, mut steps) = (root.value, root.resource, Vec::new());
        for token in pointer::tokens(pointer)? {
            value = match value {
                Value::Object(members) => members.get(&token)?,
                Value::Array(items) => items.get(pointer::index(&token)?)?,
                _ => return None,
            };
            if let Some(place) = self.place_of(value).and_then(|id| self.get(id)) {
                around = place.resource;
            }
            steps.push(token);
        }
        if let Some(id) = self.place_of(value) {
            return Some(id);
        }
        if !value.is_object() && !value.is_boolean() {
            return None;
        }
        self.index(Found {
            value,
            around: Some(around),
            keyword: "",
            name: steps.pop().unwrap_or_default(),
        });
        self.place_of(value)
    }
}

/// The schemas right inside a schema.
fn children<'a>(
    schema: &'a Map<String, Value>,
    draft: Draft,
    resource: ResourceId,
    waiting: &mut Vec<Found<'a>>,
) {
    for (keyword, value) in schema {
        let mut found = |value: &'a Value, name: String| {
            waiting.push(Found {
                value,
                around: Some(resource),
                keyword,
                name,
            });
        };
        match (holds(draft, keyword, value), value) {
            (Holds::One, value) => found(value, String::new()),
            (Holds::List, Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    found(item, index.to_string());
                }
            }
            (Holds::Map, Value::Object(members)) => {
                for (name, member) in members {
                    if !member.is_array() {
                        found(member, name.clone());
                    }
                }
            }
            _ => {}
        }
    }
}

fn known(draft: Draft, otherwise: Draft) -> Draft {
    if draft == Draft::Unknown { otherwise } else { draft }
}

/// The place of a value in memory, which no other value of a document shares.
fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

fn resolved(base: &str, reference: &str) -> Option<String> {
    let base = uri::from_str(base).ok()?;
    let uri = uri::resolve_against(&base.borrow(), reference).ok()?;
    Some(uri.as_str().trim_end_matches('#').to_owned())
}
