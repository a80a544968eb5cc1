//! How real data has drifted away from its schema.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::Value;

use super::limits;
use super::propose::MIN_FOR_REQUIRED;
use super::statistics::Field;
use super::statistics::Part;
use super::statistics::Statistics;
use super::statistics::share;
use crate::schema::paths::TypeSet;
use crate::schema::paths::fields;
use crate::schema::paths::inside::Child;
use crate::schema::paths::shape::Shape;
use crate::schema::paths::shapes::Shapes;
use crate::schema::paths::step;

/// A way in which data differs from its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftKind {
    /// A field was seen that the schema does not declare, though it declares others beside it.
    NotInSchema,
    /// A field that the schema declares was not seen in enough objects that may hold it.
    NeverSeen,
    /// Values were seen of a type that the schema does not allow.
    OtherType,
    /// Numbers or lengths were seen beyond the schema's limits.
    OutsideRange,
    /// Strings were seen that the schema's choice does not have.
    OutsideEnum,
}

/// One difference between data and its schema.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The field, such as `$.items[*].sku`.
    pub path: String,
    /// The kind of difference.
    pub kind: DriftKind,
    /// The share of the events (a field that is not in the schema) or of the field's values (others) that
    /// differ, from 0 to 1; none if only the extremes are known.
    pub share: Option<f64>,
    /// The same in a sentence.
    pub detail: String,
}

/// The differences between a schema and what was seen, in the order of the fields.
///
/// Local references, `allOf` and choices are followed. Where the schema leaves something open, and where it
/// cannot be told what it says, nothing is reported; nor is what lies in a field that is reported as not in
/// the schema.
#[must_use]
pub fn drift(schema: &Value, statistics: &Statistics) -> Vec<Finding> {
    let mut drift = Drift {
        shapes: Shapes::of(schema),
        statistics,
        findings: Vec::new(),
    };
    let mut known: Vec<Option<Shape>> = Vec::new();
    for (index, field) in statistics.fields.iter().enumerate() {
        let shape = match field.parent {
            None => Some(drift.shapes.root()),
            Some(parent) => {
                let around = known.get(parent).cloned().flatten();
                around.and_then(|around| drift.enter(&around, field))
            }
        };
        if let Some(shape) = &shape {
            drift.judge(index, field, shape);
        }
        known.push(shape);
    }
    drift.findings
}

struct Drift<'a> {
    shapes: Shapes<'a>,
    statistics: &'a Statistics,
    findings: Vec<Finding>,
}

impl Drift<'_> {
    /// What the schema says of a field; none if nothing, or nothing that can be told.
    fn enter(&mut self, around: &Shape, field: &Field) -> Option<Shape> {
        let name = match &field.part {
            Part::Whole => return None,
            Part::Member(name) => name,
            Part::AnyMember => return self.any_member(around),
            Part::Element => {
                let inside = self.shapes.inside(around, Child::Element);
                let is_known = inside.is_declared && !inside.is_forbidden && !inside.is_unsure;
                return is_known.then_some(inside.shape);
            }
        };
        let inside = self.shapes.inside(around, Child::Member(name));
        if inside.is_declared && !inside.is_forbidden {
            return (!inside.is_unsure).then_some(inside.shape);
        }
        let is_object = !self.shapes.types(around).is_disjoint(TypeSet::OBJECT);
        if !inside.is_unsure && is_object && (inside.is_forbidden || self.speaks_of_members(around)) {
            let detail = format!(
                "field `{}` seen in {} of events, not in the schema",
                field.path,
                percent(field.share_of_events)
            );
            self.report(field, DriftKind::NotInSchema, Some(field.share_of_events), detail);
        }
        None
    }

    /// What the schema says of every member of a map.
    fn any_member(&self, around: &Shape) -> Option<Shape> {
        let places = self.shapes.possible(around);
        let is_named = |keyword: &str| {
            let mut schemas = places.iter().filter_map(|place| self.shapes.value(*place));
            schemas.any(|schema| schema.get(keyword).is_some())
        };
        if is_named("properties") || is_named("patternProperties") {
            return None;
        }
        let inside = self.shapes.inside(around, Child::Member(""));
        (inside.is_declared && !inside.is_forbidden && !inside.is_unsure).then_some(inside.shape)
    }

    /// Whether every alternative of the schema declares members, so that one it does not declare is news.
    fn speaks_of_members(&self, shape: &Shape) -> bool {
        match shape {
            Shape::Anything => false,
            Shape::Any(shapes) => shapes.iter().all(|shape| self.speaks_of_members(shape)),
            shape => !fields::names(&self.shapes, &self.shapes.possible(shape)).is_empty(),
        }
    }

    fn judge(&mut self, index: usize, field: &Field, shape: &Shape) {
        self.types(field, shape);
        let places = self.shapes.certain(shape);
        let places = places.iter().filter(|place| !self.shapes.stands_alone(**place));
        let schemas: Vec<_> = places.filter_map(|place| self.shapes.value(*place)).collect();
        for detail in limits::exceeded(field, &schemas) {
            self.report(field, DriftKind::OutsideRange, None, detail);
        }
        self.choice(field, &schemas);
        self.unseen(index, field, shape);
    }

    fn types(&mut self, field: &Field, shape: &Shape) {
        let allowed = self.shapes.allowed_types(shape);
        let other = |name: &&str| {
            let set = match *name {
                "number" => TypeSet::FRACTION,
                name => TypeSet::named(name),
            };
            set.is_disjoint(allowed)
        };
        let others: Vec<_> = field.types.keys().copied().filter(other).collect();
        if others.is_empty() {
            return;
        }
        let count: u64 = others.iter().map(|name| field.of_type(name)).sum();
        let of_values = share(count, field.seen);
        let detail = format!(
            "field `{}` is {} in {} of its values; the schema says {allowed}",
            field.path,
            others.join(" or "),
            percent(of_values)
        );
        self.report(field, DriftKind::OtherType, Some(of_values), detail);
    }

    fn choice(&mut self, field: &Field, schemas: &[&Value]) {
        let choices = schemas.iter().flat_map(|schema| {
            let one = schema.get("const").map(std::slice::from_ref);
            let several = schema.get("enum").and_then(Value::as_array).map(Vec::as_slice);
            [one, several]
        });
        let choices: Vec<HashSet<&str>> = choices
            .flatten()
            .map(|values| values.iter().filter_map(Value::as_str).collect())
            .collect();
        let is_other = |value: &str| choices.iter().any(|choice| !choice.contains(value));
        let others: Vec<_> = field.values.iter().filter(|seen| is_other(&seen.value)).collect();
        // A choice without any string is one of type.
        if others.is_empty() || choices.iter().any(HashSet::is_empty) {
            return;
        }
        let count: u64 = others.iter().map(|seen| seen.seen).sum();
        let of_values = share(count, field.seen);
        let named: Vec<_> = others
            .iter()
            .take(3)
            .map(|seen| format!("`{}`", seen.value))
            .collect();
        let detail = format!(
            "field `{}` has values that the schema does not list in {} of its values, such as {}",
            field.path,
            percent(of_values),
            named.join(", ")
        );
        self.report(field, DriftKind::OutsideEnum, Some(of_values), detail);
    }

    /// Reports the members that the schema declares and no object has.
    fn unseen(&mut self, index: usize, field: &Field, shape: &Shape) {
        let objects = field.of_type("object");
        if objects < MIN_FOR_REQUIRED
            || !field.is_complete
            || self.shapes.types(shape).is_disjoint(TypeSet::OBJECT)
        {
            return;
        }
        let statistics = self.statistics;
        let children = statistics
            .fields
            .iter()
            .filter(|inner| inner.parent == Some(index));
        let seen: HashSet<&str> = children
            .filter_map(|inner| match &inner.part {
                Part::Member(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        for name in fields::names(&self.shapes, &self.shapes.possible(shape)) {
            let inside = self.shapes.inside(shape, Child::Member(&name));
            let is_possible = inside.is_declared && !inside.is_forbidden && !inside.is_unsure;
            if seen.contains(name.as_str()) || !is_possible || self.shapes.types(&inside.shape).is_empty() {
                continue;
            }
            let path = format!("{}{}", field.path, step::member(&name));
            self.findings.push(Finding {
                detail: format!("field `{path}` is in the schema and in none of {objects} objects"),
                path,
                kind: DriftKind::NeverSeen,
                share: Some(0.0),
            });
        }
    }

    fn report(&mut self, field: &Field, kind: DriftKind, share: Option<f64>, detail: String) {
        self.findings.push(Finding {
            path: field.path.clone(),
            kind,
            share,
            detail,
        });
    }
}

/// A share in words.
fn percent(share: f64) -> String {
    let hundredths = share * 100.0;
    if hundredths > 0.0 && hundredths < 1.0 {
        return "less than 1 %".to_owned();
    }
    if share < 1.0 && hundredths > 99.0 {
        return "more than 99 %".to_owned();
    }
    format!("{hundredths:.0} %")
}
