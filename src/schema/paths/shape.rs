//! Schemas that apply to the same values, as one expression.

use std::collections::HashSet;

use super::places::PlaceId;

/// Schemas that apply to the same values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::schema) enum Shape {
    /// Nothing is said.
    Anything,
    /// This one applies.
    Place(PlaceId),
    /// All of these apply.
    All(Vec<Shape>),
    /// At least one of these applies.
    Any(Vec<Shape>),
}

impl Shape {
    /// Both apply; each schema is named once.
    pub(super) fn all(one: Self, two: Self) -> Self {
        let mut all = match one {
            Self::Anything => return two,
            Self::All(all) => all,
            one => vec![one],
        };
        let more = match two {
            Self::Anything => Vec::new(),
            Self::All(more) => more,
            two => vec![two],
        };
        for shape in more {
            if !all.contains(&shape) {
                all.push(shape);
            }
        }
        if all.len() > 1 {
            Self::All(all)
        } else {
            all.pop().unwrap_or(Self::Anything)
        }
    }

    /// One of these applies; each is named once.
    pub(super) fn any(shapes: impl Iterator<Item = Self>) -> Self {
        let mut any = Vec::new();
        let mut known = HashSet::new();
        for shape in shapes {
            let inner = match shape {
                Self::Any(inner) => inner,
                shape => vec![shape],
            };
            any.extend(inner.into_iter().filter(|shape| known.insert(shape.clone())));
        }
        if any.len() > 1 {
            Self::Any(any)
        } else {
            any.pop().unwrap_or(Self::Anything)
        }
    }

    /// How many schemas it names, up to one more than `most`.
    pub(super) fn size(&self, most: usize) -> usize {
        match self {
            Self::Anything | Self::Place(_) => 1,
            Self::All(shapes) | Self::Any(shapes) => {
                let mut size = 0;
                for shape in shapes {
                    if size > most {
                        break;
                    }
                    size += shape.size(most);
                }
                size
            }
        }
    }
}
