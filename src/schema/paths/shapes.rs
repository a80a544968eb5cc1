//! Answers questions about the shape of a schema's documents.

use std::cell::Cell;

use jsonschema::Draft;
use serde_json::Map;
use serde_json::Value;

use super::keywords::reference_stands_alone;
use super::patterns::Patterns;
use super::places::Link;
use super::places::PlaceId;
use super::places::Places;
use super::shape::Shape;

/// Schemas that one question may look at; beyond, the answer is that nothing can be told.
const MAX_LOOKS: usize = 10_000;

/// Schemas that all questions together may look at: about a second's work, and tens of thousands of plain
/// questions.
const MAX_ALL_LOOKS: usize = 1_000_000;

/// Schemas that may apply to one value by way of one another.
const MAX_TRAIL: usize = 64;

/// Answers questions about the shape of a schema's documents.
#[derive(Debug)]
pub(in crate::schema) struct Shapes<'a> {
    pub(super) places: Places<'a>,
    pub(super) patterns: Patterns,
    /// Looks that are left for this question.
    left: Cell<usize>,
    /// Looks that are left for those that follow.
    stock: Cell<usize>,
}

impl<'a> Shapes<'a> {
    /// About the documents of a schema.
    pub(in crate::schema) fn of(schema: &'a Value) -> Self {
        Self {
            places: Places::of(schema, Draft::Draft202012, &[]),
            patterns: Patterns::default(),
            left: Cell::new(0),
            stock: Cell::new(MAX_ALL_LOOKS),
        }
    }

    /// What applies to a whole document.
    #[expect(clippy::unused_self, reason = "shapes belong to these answers")]
    pub(in crate::schema) fn root(&self) -> Shape {
        Shape::Place(Places::root())
    }

    /// The schema at a place.
    pub(in crate::schema) fn value(&self, id: PlaceId) -> Option<&'a Value> {
        self.places.get(id).map(|place| place.value)
    }

    /// The next question may look at as many schemas again.
    pub(super) fn refill(&self) {
        let stock = self.stock.get() + self.left.get();
        let left = stock.min(MAX_LOOKS);
        self.left.set(left);
        self.stock.set(stock - left);
    }

    /// Whether one more schema may be looked at.
    pub(super) fn look(&self, trail: &[PlaceId]) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0 && trail.len() < MAX_TRAIL
    }

    /// The places that a shape names, and those that they refer to.
    pub(in crate::schema) fn named(&self, shape: &Shape) -> Vec<PlaceId> {
        let mut found = Vec::new();
        let mut waiting = vec![shape.clone()];
        while let Some(shape) = waiting.pop() {
            match shape {
                Shape::Anything => {}
                Shape::All(shapes) | Shape::Any(shapes) => waiting.extend(shapes),
                Shape::Place(id) => {
                    if found.contains(&id) || found.len() >= MAX_TRAIL {
                        continue;
                    }
                    found.push(id);
                    waiting.extend(self.links(id).into_iter().filter_map(Link::shape));
                }
            }
        }
        found
    }

    /// The places that apply to every value of a shape.
    pub(in crate::schema) fn certain(&self, shape: &Shape) -> Vec<PlaceId> {
        self.refill();
        let mut found = Vec::new();
        self.collect(shape, false, &mut found);
        found
    }

    /// The places that may apply to a value of a shape.
    pub(in crate::schema) fn possible(&self, shape: &Shape) -> Vec<PlaceId> {
        self.refill();
        let mut found = Vec::new();
        self.collect(shape, true, &mut found);
        found
    }

    fn collect(&self, shape: &Shape, with_choices: bool, found: &mut Vec<PlaceId>) {
        let mut waiting = vec![shape.clone()];
        while let Some(shape) = waiting.pop() {
            match shape {
                Shape::All(shapes) => waiting.extend(shapes),
                Shape::Any(shapes) if with_choices => waiting.extend(shapes),
                Shape::Anything | Shape::Any(_) => {}
                Shape::Place(id) => {
                    let Some(Value::Object(schema)) = self.value(id) else {
                        continue;
                    };
                    if found.contains(&id) || !self.look(&[]) || found.len() >= MAX_TRAIL {
                        continue;
                    }
                    found.push(id);
                    waiting.extend(self.links(id).into_iter().filter_map(Link::shape));
                    if self.stands_alone(id) {
                        continue;
                    }
                    waiting.extend(self.applied(schema));
                    if with_choices {
                        waiting.extend(self.choices(schema).into_iter().flatten());
                    }
                }
            }
        }
    }

    /// Where the references of a schema lead.
    pub(super) fn links(&self, id: PlaceId) -> [Link; 2] {
        let Some(place) = self.places.get(id) else {
            return [Link::None; 2];
        };
        let dynamic = match place.dynamic {
            None => Link::None,
            // Which schema the name is bound to depends on the way here.
            Some((_, Some(name))) if self.is_ambiguous(name) => Link::Nowhere,
            Some((link, _)) => link,
        };
        [place.reference, dynamic]
    }

    fn is_ambiguous(&self, name: &str) -> bool {
        let resources = self.places.resources();
        resources
            .filter(|resource| resource.dynamic.contains_key(name))
            .count()
            > 1
    }

    /// Whether a schema is nothing but its reference.
    pub(in crate::schema) fn stands_alone(&self, id: PlaceId) -> bool {
        reference_stands_alone(self.places.draft(id))
            && self
                .places
                .get(id)
                .is_some_and(|place| place.reference != Link::None)
    }

    pub(super) fn shape_of(&self, schema: &Value) -> Shape {
        match schema {
            Value::Bool(true) => Shape::Anything,
            schema => self.places.place_of(schema).map_or(Shape::Anything, Shape::Place),
        }
    }

    /// The schemas that a schema applies as well.
    pub(super) fn applied(&self, schema: &'a Map<String, Value>) -> Vec<Shape> {
        let all = schema.get("allOf").and_then(Value::as_array);
        all.into_iter().flatten().map(|one| self.shape_of(one)).collect()
    }

    /// The schemas of which a schema applies one; several times.
    pub(super) fn choices(&self, schema: &'a Map<String, Value>) -> Vec<Vec<Shape>> {
        let mut choices = Vec::new();
        for keyword in ["anyOf", "oneOf"] {
            if let Some(Value::Array(all)) = schema.get(keyword) {
                choices.push(all.iter().map(|one| self.shape_of(one)).collect());
            }
        }
        if schema.contains_key("if") {
            let branch = |keyword| {
                schema
                    .get(keyword)
                    .map_or(Shape::Anything, |one| self.shape_of(one))
            };
            choices.push(vec![branch("then"), branch("else")]);
        }
        for keyword in ["dependentSchemas", "dependencies"] {
            if let Some(Value::Object(all)) = schema.get(keyword) {
                let some = all.values().filter(|one| one.is_object());
                choices.extend(some.map(|one| vec![self.shape_of(one), Shape::Anything]));
            }
        }
        choices
    }
}

impl Link {
    fn shape(self) -> Option<Shape> {
        match self {
            Self::To(target) => Some(Shape::Place(target)),
            Self::None | Self::Nowhere => None,
        }
    }
}
