//! Reads a schema document into the [`World`]: each keyword becomes a node, each subschema a schema object.

mod arrays;
mod logic;
mod objects;
mod recursion;
pub(in crate::schema::compat) mod scalars;
mod targets;

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;

use jsonschema::Draft;
use jsonschema::Registry;
use referencing::Resolver;
use referencing::ResourceRef;
use serde_json::Map;
use serde_json::Value;

use super::node::Id;
use super::node::Node;
use super::world::Child;
use super::world::Part;
use super::world::SchemaInfo;
use super::world::Step;
use super::world::World;
use crate::schema::error::SchemaError;
use crate::schema::error::child;
use crate::schema::references::OWN_BASE;
use crate::schema::references::unresolved;

/// Most schema objects of one document with what it refers to.
const MAX_SCHEMAS: usize = 20_000;
/// Most problems that are listed.
const MAX_ERRORS: usize = 50;

/// A subschema that waits to be read because something refers to it.
struct Waiting<'d> {
    number: usize,
    resolver: Resolver<'d>,
    draft: Draft,
}

/// Reads one document.
pub(super) struct Reader<'w, 'd> {
    world: &'w mut World<'d>,
    root: &'d Value,
    /// Schema objects by address and draft, so that two references to one place are one.
    numbers: HashMap<(usize, u8), usize>,
    queue: VecDeque<Waiting<'d>>,
    /// The numbers in the queue that nothing has read meanwhile.
    waiting: BTreeSet<usize>,
    /// The number of the document's first schema object.
    first: usize,
    errors: Vec<SchemaError>,
    /// Nodes of `unevaluated…`, made when everything is read: late number, schema object, subschema, of members.
    unevaluated: Vec<(usize, usize, usize, bool)>,
    /// Whether a dynamic reference may lead elsewhere than it says.
    is_dynamic: bool,
}

/// The place where a keyword is read.
struct Site<'d> {
    number: usize,
    members: &'d Map<String, Value>,
    pointer: String,
    resolver: Resolver<'d>,
    draft: Draft,
}

impl Site<'_> {
    /// Whether the draft is this one or a later one.
    fn since(&self, draft: Draft) -> bool {
        age(self.draft) >= age(draft)
    }
}

/// Drafts in their order.
fn age(draft: Draft) -> u8 {
    match draft {
        Draft::Draft4 => 4,
        Draft::Draft6 => 6,
        Draft::Draft7 => 7,
        Draft::Draft201909 => 8,
        _ => 9,
    }
}

/// Reads a document; the number of its root.
///
/// # Errors
/// Patterns that do not compile, references that lead nowhere or round in circles.
pub(super) fn read<'d>(
    world: &mut World<'d>,
    registry: &'d Registry<'d>,
    root: &'d Value,
    others: &[(String, Arc<Value>)],
    draft: Draft,
) -> Result<usize, Vec<SchemaError>> {
    let base = jsonschema::uri::from_str(OWN_BASE)
        .map_err(|error| vec![SchemaError::new("", "dangling-reference", error.to_string())])?;
    let resolver = registry.resolver(base);
    let first = world.schemas.len();
    let mut reader = Reader {
        world,
        root,
        numbers: HashMap::new(),
        queue: VecDeque::new(),
        waiting: BTreeSet::new(),
        first,
        errors: Vec::new(),
        unevaluated: Vec::new(),
        is_dynamic: targets::has_several_dynamic_anchors(root, others),
    };
    let number = reader.object(root, String::new(), &resolver, draft);
    while let Some(waiting) = reader.queue.pop_front() {
        if reader.waiting.remove(&waiting.number) {
            reader.fill(waiting.number, &waiting.resolver, waiting.draft);
        }
    }
    if reader.errors.is_empty() {
        reader.refuse_circles(first);
    }
    if reader.errors.is_empty() {
        reader.refuse_breakdowns(first);
    }
    if reader.errors.is_empty() {
        reader.finish_unevaluated();
        return Ok(number);
    }
    reader.errors.truncate(MAX_ERRORS);
    Err(reader.errors)
}

impl<'d> Reader<'_, 'd> {
    /// Reads a subschema now; the depth of the document bounds the recursion.
    fn object(&mut self, value: &'d Value, pointer: String, resolver: &Resolver<'d>, draft: Draft) -> usize {
        let (number, is_new) = self.reserve(value, pointer, draft);
        if is_new || self.waiting.remove(&number) {
            self.fill(number, resolver, draft);
        }
        number
    }

    /// The number of a schema object, and whether it is new.
    fn reserve(&mut self, value: &'d Value, pointer: String, draft: Draft) -> (usize, bool) {
        let address = (std::ptr::from_ref(value) as usize, age(draft));
        if let Some(number) = self.numbers.get(&address) {
            return (*number, false);
        }
        let number = self.world.schemas.len();
        self.world.schemas.push(SchemaInfo {
            pointer,
            value,
            id: None,
            parts: Vec::new(),
            children: Vec::new(),
        });
        self.numbers.insert(address, number);
        (number, true)
    }

    /// Reads the keywords of a schema object.
    fn fill(&mut self, number: usize, resolver: &Resolver<'d>, draft: Draft) {
        let Some((value, pointer)) = self
            .world
            .schema(number)
            .map(|schema| (schema.value, schema.pointer.clone()))
        else {
            return;
        };
        if number - self.first > MAX_SCHEMAS {
            self.refuse(&pointer, "too-large", "the document has too many subschemas");
            return;
        }
        let members = match value {
            Value::Object(members) => members,
            Value::Bool(true) => return self.settle(number, Vec::new()),
            Value::Bool(false) => {
                let id = self.world.forest.never();
                let part = Part {
                    keyword: "false",
                    suffix: String::new(),
                    id,
                    child: None,
                };
                return self.settle(number, vec![part]);
            }
            _ => {
                return self.refuse(
                    &pointer,
                    "invalid-schema",
                    "a schema is an object, `true` or `false`",
                );
            }
        };
        let stands_alone = age(draft) <= 7 && members.contains_key("$ref");
        let resolver = if stands_alone {
            Ok(resolver.clone())
        } else {
            resolver.in_subresource(ResourceRef::new(value, draft))
        };
        let resolver = match resolver {
            Ok(resolver) => resolver,
            Err(error) => return self.errors.push(unresolved(value, &error)),
        };
        let site = Site {
            number,
            members,
            pointer,
            resolver,
            draft,
        };
        if members.contains_key("$schema") && draft.detect(value) != draft {
            let place = child(&site.pointer, "$schema");
            return self.refuse(
                &place,
                "mixed-drafts",
                "a part of a document is of another draft than the document",
            );
        }
        let parts = self.parts(&site, stands_alone);
        self.settle(number, parts);
    }

    fn parts(&mut self, site: &Site<'d>, stands_alone: bool) -> Vec<Part> {
        let mut parts = Vec::new();
        self.references(site, &mut parts);
        if stands_alone {
            return parts;
        }
        self.scalars(site, &mut parts);
        self.arrays(site, &mut parts);
        self.objects(site, &mut parts);
        self.logic(site, &mut parts);
        parts
    }

    fn settle(&mut self, number: usize, parts: Vec<Part>) {
        let id = self.world.forest.and(parts.iter().map(|part| part.id).collect());
        if let Some(schema) = self.world.schemas.get_mut(number) {
            schema.id = Some(id);
            schema.parts = parts;
        }
    }

    fn refuse(&mut self, pointer: &str, code: &'static str, detail: impl Into<String>) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(SchemaError::new(pointer, code, detail));
        }
    }

    /// The node that stands for a schema object.
    fn node_of(&mut self, number: usize) -> Id {
        self.world.forest.add(Node::Schema(number))
    }

    /// Reads the subschema at a keyword, or below it; the child and its node.
    fn subschema(&mut self, site: &Site<'d>, value: &'d Value, suffix: &str, step: Step) -> (Child, Id) {
        let pointer = format!("{}{suffix}", site.pointer);
        let schema = self.object(value, pointer, &site.resolver, site.draft);
        let taken = Child {
            step,
            schema,
            suffix: suffix.to_owned(),
        };
        if let Some(info) = self.world.schemas.get_mut(site.number) {
            info.children.push(taken.clone());
        }
        let id = self.node_of(schema);
        (taken, id)
    }
}
