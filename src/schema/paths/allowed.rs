//! The types that a schema allows.

use serde_json::Map;
use serde_json::Value;

use super::places::Link;
use super::places::PlaceId;
use super::shape::Shape;
use super::shapes::Shapes;
use super::types::TypeSet;

impl Shapes<'_> {
    /// The types that values of a shape may have by what speaks of them: an alternative that is silent
    /// about a value, such as the one without this property, does not count.
    pub(in crate::schema) fn types(&self, shape: &Shape) -> TypeSet {
        self.refill();
        self.types_of(shape, true, &mut Vec::new())
    }

    /// The types that values of a shape may have; a silent alternative allows them all.
    pub(in crate::schema) fn allowed_types(&self, shape: &Shape) -> TypeSet {
        self.refill();
        self.types_of(shape, false, &mut Vec::new())
    }

    pub(super) fn types_of(&self, shape: &Shape, alone: bool, trail: &mut Vec<PlaceId>) -> TypeSet {
        match shape {
            Shape::Anything => TypeSet::ALL,
            Shape::Place(id) => self.place_types(*id, trail),
            Shape::All(shapes) => {
                let all = shapes.iter();
                all.fold(TypeSet::ALL, |types, shape| {
                    types.and(self.types_of(shape, false, trail))
                })
            }
            Shape::Any(shapes) => {
                // An alternative that is silent about a value says nothing against the others, unless
                // something else speaks of the value.
                let is_heard = |shape: &&Shape| !alone || **shape != Shape::Anything;
                let heard: Vec<_> = shapes.iter().filter(is_heard).collect();
                if heard.is_empty() {
                    return TypeSet::ALL;
                }
                let all = heard.into_iter();
                all.fold(TypeSet::NONE, |types, shape| {
                    types.or(self.types_of(shape, alone, trail))
                })
            }
        }
    }

    fn place_types(&self, id: PlaceId, trail: &mut Vec<PlaceId>) -> TypeSet {
        let schema = match self.value(id) {
            Some(Value::Bool(false)) => return TypeSet::NONE,
            Some(Value::Object(schema)) => schema,
            _ => return TypeSet::ALL,
        };
        if trail.contains(&id) || !self.look(trail) {
            return TypeSet::ALL;
        }
        trail.push(id);
        let mut types = TypeSet::ALL;
        for link in self.links(id) {
            if let Link::To(target) = link {
                types = types.and(self.place_types(target, trail));
            }
        }
        if !self.stands_alone(id) {
            types = types.and(own_types(schema));
            for shape in self.applied(schema) {
                types = types.and(self.types_of(&shape, false, trail));
            }
            for choice in self.choices(schema) {
                types = types.and(self.types_of(&Shape::Any(choice), false, trail));
            }
        }
        trail.pop();
        types
    }
}

/// The types that `type`, `const` and `enum` allow.
fn own_types(schema: &Map<String, Value>) -> TypeSet {
    let mut types = match schema.get("type") {
        Some(Value::String(name)) => TypeSet::named(name),
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .fold(TypeSet::NONE, |types, name| types.or(TypeSet::named(name))),
        _ => TypeSet::ALL,
    };
    if let Some(value) = schema.get("const") {
        types = types.and(TypeSet::of(value));
    }
    if let Some(Value::Array(values)) = schema.get("enum") {
        let all = values.iter().map(TypeSet::of);
        types = types.and(all.fold(TypeSet::NONE, TypeSet::or));
    }
    types
}
