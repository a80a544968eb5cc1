//! The fields that a schema declares, for looking them up by their paths.

use std::collections::HashSet;

use serde_json::Value;

use super::inside::Child;
use super::places::PlaceId;
use super::shape::Shape;
use super::shapes::Shapes;
use super::step;
use super::types::TypeSet;

/// Most fields of a schema that are listed.
pub const MAX_FIELDS: usize = 2_000;

/// Deepest nesting of a field that is listed.
const MAX_DEPTH: usize = 16;

/// Longest path of a field that is listed, in bytes.
const MAX_PATH: usize = 1_000;

/// A field that a schema declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldInfo {
    /// Where it is in the data, such as `$.items[*].sku`.
    pub path: String,
    /// The types that its values may have.
    pub types: TypeSet,
    /// Whether every object that may hold it must hold it.
    pub required: bool,
    /// What the schema says about it in words.
    pub description: Option<String>,
}

/// The fields that a schema declares, outer ones before those inside them; at most [`MAX_FIELDS`].
///
/// A field that is made of itself, however deep, is listed once, without what it holds.
#[must_use]
pub fn fields(schema: &Value) -> Vec<FieldInfo> {
    let mut list = List {
        shapes: Shapes::of(schema),
        fields: Vec::new(),
    };
    let root = list.shapes.root();
    list.inside(&root, "$", &mut Vec::new());
    list.fields
}

struct List<'a> {
    shapes: Shapes<'a>,
    fields: Vec<FieldInfo>,
}

impl List<'_> {
    /// Lists what is inside the values of a shape.
    fn inside(&mut self, shape: &Shape, path: &str, around: &mut Vec<Vec<PlaceId>>) {
        let places = self.shapes.possible(shape);
        let is_repeated = around.iter().flatten().any(|outer| places.contains(outer));
        if is_repeated || around.len() >= MAX_DEPTH || path.len() > MAX_PATH {
            return;
        }
        let names = names(&self.shapes, &places);
        around.push(self.shapes.named(shape));
        for name in names {
            let found = self.shapes.inside(shape, Child::Member(&name));
            if found.is_declared && !found.is_forbidden {
                let path = format!("{path}{}", step::member(&name));
                self.field(&found.shape, &path, found.is_required, around);
            }
        }
        let found = self.shapes.inside(shape, Child::Element);
        if found.is_declared && !found.is_forbidden {
            self.inside(&found.shape, &format!("{path}[*]"), around);
        }
        around.pop();
    }

    fn field(&mut self, shape: &Shape, path: &str, required: bool, around: &mut Vec<Vec<PlaceId>>) {
        if self.fields.len() >= MAX_FIELDS {
            return;
        }
        self.fields.push(FieldInfo {
            path: path.to_owned(),
            types: self.shapes.types(shape),
            required,
            description: description(&self.shapes, shape),
        });
        self.inside(shape, path, around);
    }
}

/// The names of the properties that these schemas declare, each once.
pub(in crate::schema) fn names(shapes: &Shapes<'_>, places: &[PlaceId]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    for place in places.iter().filter(|place| !shapes.stands_alone(**place)) {
        let properties = shapes.value(*place).and_then(|schema| schema.get("properties"));
        for name in properties
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|all| all.keys())
        {
            if names.len() < MAX_FIELDS && seen.insert(name) {
                names.push(name.clone());
            }
        }
    }
    names
}

fn description(shapes: &Shapes<'_>, shape: &Shape) -> Option<String> {
    let places = shapes.possible(shape);
    let text = |keyword| {
        places.iter().find_map(|place| {
            let text = shapes.value(*place)?.get(keyword)?.as_str()?;
            Some(text.to_owned())
        })
    };
    text("description").or_else(|| text("title"))
}
