//! What a new version of a schema does to the paths that consumers use.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::Value;

use super::fields::names;
use super::inside::Child;
use super::inside::Inside;
use super::shape::Shape;
use super::shapes::Shapes;
use super::step;
use super::step::Step;
use super::types::TypeSet;

/// Most places that `..` leads to: more than schemas of people have.
const MAX_DESCENT: usize = 500;

/// Arrays inside one another that a flattened path goes through.
const MAX_FLATTENED: usize = 8;

/// A path that a consumer uses, from the data of the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedPath {
    /// The steps from the data.
    pub steps: Vec<Step>,
    /// Whether a step to a member goes through arrays into their elements, as in event patterns.
    pub flatten: bool,
    /// The types of which the consumer needs one; none if any will do.
    pub wants: Option<TypeSet>,
}

impl UsedPath {
    /// The path in the spelling of `JSONPath`.
    #[must_use]
    pub fn text(&self) -> String {
        step::path(&self.steps)
    }
}

/// How a path is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakReason {
    /// The new version has nothing there any more.
    Removed,
    /// What the new version has there is of no type that the consumer can use.
    Retyped,
    /// It was always there, and need not be there any more.
    MayBeMissing,
}

/// A path that a new version breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Break {
    /// Which of the paths that were asked about, counted from 0.
    #[serde(skip)]
    pub used: usize,
    /// The path, such as `$.items[*].sku`.
    pub path: String,
    /// How it is broken.
    pub reason: BreakReason,
    /// The same in a sentence.
    pub detail: String,
}

/// What the step from version `old` to version `new` breaks, in the order of `used`; each path at most once.
///
/// A property that a version does not declare counts as absent, though an open model would allow it: nobody
/// can rely on it. Where the schemas cannot tell, nothing is reported.
#[must_use]
pub fn breaks(old: &Value, new: &Value, used: &[UsedPath]) -> Vec<Break> {
    let (old, new) = (Shapes::of(old), Shapes::of(new));
    let used = used.iter().enumerate();
    used.filter_map(|(index, path)| {
        let (reason, detail) = judge(path, follow(&old, path), follow(&new, path))?;
        Some(Break {
            used: index,
            path: path.text(),
            reason,
            detail,
        })
    })
    .collect()
}

/// Where a path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// To values that the schema speaks of.
    Held {
        types: TypeSet,
        /// Whether every document has such a value.
        is_certain: bool,
    },
    /// To nothing.
    Absent,
    /// It cannot be told.
    Unsure,
}

fn judge(path: &UsedPath, old: Outcome, new: Outcome) -> Option<(BreakReason, String)> {
    let Outcome::Held {
        types: old_types,
        is_certain: was_certain,
    } = old
    else {
        return None;
    };
    let text = path.text();
    let wanted = path.wants.unwrap_or(old_types);
    if old_types.is_disjoint(wanted) {
        // It was of no use before.
        return None;
    }
    match new {
        Outcome::Absent => Some((
            BreakReason::Removed,
            format!("`{text}` is not in the new version"),
        )),
        Outcome::Held { types, .. } if types.is_disjoint(wanted) => {
            let wanted = match path.wants {
                Some(wanted) => format!("; the consumer needs {wanted}"),
                None => String::new(),
            };
            let detail = format!("`{text}` was {old_types} and is {types} in the new version{wanted}");
            Some((BreakReason::Retyped, detail))
        }
        Outcome::Held {
            is_certain: false, ..
        } if was_certain => Some((
            BreakReason::MayBeMissing,
            format!("`{text}` was always there and may be missing in the new version"),
        )),
        Outcome::Unsure | Outcome::Held { .. } => None,
    }
}

/// Values on the way.
struct Spot {
    shape: Shape,
    is_certain: bool,
    /// Whether more may apply than is known.
    is_unsure: bool,
}

fn follow(shapes: &Shapes<'_>, path: &UsedPath) -> Outcome {
    let mut spots = vec![Spot {
        shape: shapes.root(),
        is_certain: true,
        is_unsure: false,
    }];
    let mut is_unsure = false;
    for step in &path.steps {
        let mut next = Vec::new();
        for spot in &spots {
            match step {
                Step::Member(name) if path.flatten => {
                    is_unsure |= flattened(shapes, spot, name, 0, &mut next);
                }
                Step::Member(name) => is_unsure |= enter(shapes, spot, Child::Member(name), &mut next),
                Step::Index | Step::AnyElement => is_unsure |= enter(shapes, spot, Child::Element, &mut next),
                Step::Descend => is_unsure |= descend(shapes, spot, &mut next),
            }
        }
        spots = next;
        if spots.is_empty() {
            return if is_unsure {
                Outcome::Unsure
            } else {
                Outcome::Absent
            };
        }
    }
    let types = spots.iter().map(|spot| shapes.types(&spot.shape));
    let types = types.fold(TypeSet::NONE, TypeSet::or);
    if types.is_empty() {
        return Outcome::Absent;
    }
    Outcome::Held {
        types,
        is_certain: spots.iter().any(|spot| spot.is_certain),
    }
}

/// Goes one step; true if it cannot be told where it leads.
fn enter(shapes: &Shapes<'_>, spot: &Spot, child: Child<'_>, next: &mut Vec<Spot>) -> bool {
    let Inside {
        shape,
        is_declared,
        is_forbidden,
        is_required,
        is_unsure,
    } = shapes.inside(&spot.shape, child);
    let is_unsure = is_unsure || spot.is_unsure;
    if is_forbidden || !is_declared {
        return is_unsure && !is_forbidden;
    }
    let is_object = shapes.allowed_types(&spot.shape) == TypeSet::OBJECT;
    next.push(Spot {
        shape,
        is_certain: spot.is_certain && is_required && is_object,
        is_unsure,
    });
    false
}

/// Goes to a member, through arrays as deep as they are.
fn flattened(shapes: &Shapes<'_>, spot: &Spot, name: &str, depth: usize, next: &mut Vec<Spot>) -> bool {
    let mut is_unsure = enter(shapes, spot, Child::Member(name), next);
    if depth < MAX_FLATTENED && !shapes.types(&spot.shape).is_disjoint(TypeSet::ARRAY) {
        let mut elements = Vec::new();
        is_unsure |= enter(shapes, spot, Child::Element, &mut elements);
        for element in &elements {
            is_unsure |= flattened(shapes, element, name, depth + 1, next);
        }
    }
    is_unsure
}

/// Goes everywhere inside.
fn descend(shapes: &Shapes<'_>, from: &Spot, next: &mut Vec<Spot>) -> bool {
    let mut is_unsure = false;
    let mut waiting = vec![(from.shape.clone(), from.is_unsure)];
    let mut seen = HashSet::new();
    while let Some((shape, is_spot_unsure)) = waiting.pop() {
        if !seen.insert(shape.clone()) {
            continue;
        }
        if seen.len() > MAX_DESCENT {
            return true;
        }
        let spot = Spot {
            shape,
            is_certain: false,
            is_unsure: is_spot_unsure,
        };
        let mut inside = Vec::new();
        for name in names(shapes, &shapes.possible(&spot.shape)) {
            is_unsure |= enter(shapes, &spot, Child::Member(&name), &mut inside);
        }
        is_unsure |= enter(shapes, &spot, Child::Element, &mut inside);
        waiting.extend(inside.into_iter().map(|spot| (spot.shape, spot.is_unsure)));
        next.push(spot);
    }
    is_unsure
}
