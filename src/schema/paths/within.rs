//! From a schema to what it says of the members and elements of its documents.

use jsonschema::Draft;
use serde_json::Map;
use serde_json::Value;

use super::inside::Child;
use super::inside::Inside;
use super::places::Link;
use super::places::PlaceId;
use super::shape::Shape;
use super::shapes::Shapes;
use super::types::TypeSet;

/// Schemas that may apply to one value by what is kept of them.
const MAX_SHAPE: usize = 200;

impl<'a> Shapes<'a> {
    /// What is said of a value inside those of a shape.
    pub(in crate::schema) fn inside(&self, shape: &Shape, child: Child<'_>) -> Inside {
        self.refill();
        let container = match child {
            Child::Member(_) => TypeSet::OBJECT,
            Child::Element => TypeSet::ARRAY,
        };
        let found = self.inside_shape(shape, child, &mut Vec::new());
        if self.types_of(shape, true, &mut Vec::new()).is_disjoint(container) && !found.is_unsure {
            return Inside::FORBIDDEN;
        }
        if found.shape.size(MAX_SHAPE) > MAX_SHAPE {
            return Inside {
                shape: Shape::Anything,
                is_unsure: true,
                ..found
            };
        }
        found
    }

    fn inside_shape(&self, shape: &Shape, child: Child<'_>, trail: &mut Vec<PlaceId>) -> Inside {
        match shape {
            Shape::Anything => Inside::OPEN,
            Shape::Place(id) => self.inside_place(*id, child, trail),
            Shape::All(shapes) => shapes.iter().fold(Inside::OPEN, |all, shape| {
                all.and(self.inside_shape(shape, child, trail))
            }),
            Shape::Any(shapes) => {
                let branches = shapes.iter().map(|shape| self.branch(shape, child, trail));
                Inside::any(branches.collect())
            }
        }
    }

    /// What one of several alternatives says.
    fn branch(&self, shape: &Shape, child: Child<'_>, trail: &mut Vec<PlaceId>) -> Inside {
        let container = match child {
            Child::Member(_) => TypeSet::OBJECT,
            Child::Element => TypeSet::ARRAY,
        };
        if self.types_of(shape, true, &mut Vec::new()).is_disjoint(container) {
            return Inside::FORBIDDEN;
        }
        self.inside_shape(shape, child, trail)
    }

    fn inside_place(&self, id: PlaceId, child: Child<'_>, trail: &mut Vec<PlaceId>) -> Inside {
        if trail.contains(&id) {
            // A schema that is itself by way of references says nothing new.
            return Inside::OPEN;
        }
        let Some(value) = self.value(id) else {
            return Inside::UNSURE;
        };
        let Value::Object(schema) = value else {
            return if value == &Value::Bool(false) {
                Inside::FORBIDDEN
            } else {
                Inside::OPEN
            };
        };
        if !self.look(trail) {
            return Inside::UNSURE;
        }
        trail.push(id);
        let found = self.inside_object(id, schema, child, trail);
        trail.pop();
        found
    }

    fn inside_object(
        &self,
        id: PlaceId,
        schema: &'a Map<String, Value>,
        child: Child<'_>,
        trail: &mut Vec<PlaceId>,
    ) -> Inside {
        let mut found = Inside::OPEN;
        for link in self.links(id) {
            found = found.and(match link {
                Link::None => Inside::OPEN,
                Link::To(target) => self.inside_place(target, child, trail),
                Link::Nowhere => Inside::UNSURE,
            });
        }
        if self.stands_alone(id) {
            return found;
        }
        found = found.and(match child {
            Child::Member(name) => self.member(schema, name),
            Child::Element => self.element(id, schema),
        });
        for shape in self.applied(schema) {
            found = found.and(self.inside_shape(&shape, child, trail));
        }
        for choice in self.choices(schema) {
            let branches = choice.iter().map(|shape| self.branch(shape, child, trail));
            found = found.and(Inside::any(branches.collect()));
        }
        if found.is_declared || found.is_unsure {
            return found;
        }
        let rest = match child {
            Child::Member(_) => "unevaluatedProperties",
            Child::Element => "unevaluatedItems",
        };
        found.and(self.rest(schema.get(rest)))
    }

    /// What a schema's own keywords say of a member.
    fn member(&self, schema: &'a Map<String, Value>, name: &str) -> Inside {
        let mut found = Inside::OPEN;
        if let Some(property) = schema.get("properties").and_then(|all| all.get(name)) {
            found = found.and(Inside::declared(self.shape_of(property)));
        }
        if let Some(Value::Object(patterns)) = schema.get("patternProperties") {
            for (pattern, property) in patterns {
                found = match self.patterns.matches(pattern, name).filter(|_| self.look(&[])) {
                    Some(true) => found.and(Inside::declared(self.shape_of(property))),
                    Some(false) => found,
                    None => found.and(Inside::UNSURE),
                };
            }
        }
        if !found.is_declared && !found.is_unsure {
            found = found.and(self.rest(schema.get("additionalProperties")));
        }
        if let Some(Value::Array(required)) = schema.get("required") {
            found.is_required = required.iter().any(|required| required == name);
        }
        found
    }

    /// What a schema's own keywords say of any element.
    fn element(&self, id: PlaceId, schema: &'a Map<String, Value>) -> Inside {
        let items = schema.get("items");
        let (first, rest) = if self.places.draft(id) >= Draft::Draft202012 {
            (schema.get("prefixItems"), items)
        } else {
            match items {
                Some(Value::Array(_)) => (items, schema.get("additionalItems")),
                items => (None, items),
            }
        };
        let rest = match rest {
            None | Some(Value::Bool(true)) => Inside::OPEN,
            Some(Value::Bool(false)) => Inside::FORBIDDEN,
            Some(rest) => Inside::declared(self.shape_of(rest)),
        };
        let Some(Value::Array(first)) = first else {
            return rest;
        };
        let first = first.iter().map(|item| Inside::declared(self.shape_of(item)));
        Inside::any(first.chain([rest]).collect())
    }

    /// What a keyword says of those members or elements that no other speaks of.
    fn rest(&self, schema: Option<&'a Value>) -> Inside {
        match schema {
            None | Some(Value::Bool(true)) => Inside::OPEN,
            Some(Value::Bool(false)) => Inside::FORBIDDEN,
            Some(schema) => Inside::declared(self.shape_of(schema)),
        }
    }
}
