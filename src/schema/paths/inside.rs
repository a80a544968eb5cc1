//! What a schema says of a value inside another, and how several say it together.

use super::shape::Shape;

/// A step from a value to a value inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::schema) enum Child<'n> {
    /// The member of this name.
    Member(&'n str),
    /// Any element.
    Element,
}

/// What a schema says of a value inside the values that it judges.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each claim holds or not whatever the others say"
)]
pub(in crate::schema) struct Inside {
    /// What applies to the value.
    pub(in crate::schema) shape: Shape,
    /// Whether the schema speaks of it.
    pub(in crate::schema) is_declared: bool,
    /// Whether there can be no such value.
    pub(in crate::schema) is_forbidden: bool,
    /// Whether there must be such a value.
    pub(in crate::schema) is_required: bool,
    /// Whether more may apply than could be found out.
    pub(in crate::schema) is_unsure: bool,
}

impl Inside {
    /// Nothing is said.
    pub(super) const OPEN: Self = Self {
        shape: Shape::Anything,
        is_declared: false,
        is_forbidden: false,
        is_required: false,
        is_unsure: false,
    };

    pub(super) const UNSURE: Self = Self {
        is_unsure: true,
        ..Self::OPEN
    };

    pub(super) const FORBIDDEN: Self = Self {
        is_forbidden: true,
        ..Self::OPEN
    };

    pub(super) fn declared(shape: Shape) -> Self {
        Self {
            shape,
            is_declared: true,
            ..Self::OPEN
        }
    }

    /// Both apply.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            shape: Shape::all(self.shape, other.shape),
            is_declared: self.is_declared || other.is_declared,
            is_forbidden: self.is_forbidden || other.is_forbidden,
            is_required: self.is_required || other.is_required,
            is_unsure: self.is_unsure || other.is_unsure,
        }
    }

    /// One of these applies. What cannot be where there is such a value does not count for what it is.
    pub(super) fn any(branches: Vec<Self>) -> Self {
        let is_required = branches.iter().all(|branch| branch.is_required);
        let left: Vec<_> = branches
            .into_iter()
            .filter(|branch| !branch.is_forbidden)
            .collect();
        if left.is_empty() {
            return Self::FORBIDDEN;
        }
        Self {
            is_declared: left.iter().any(|branch| branch.is_declared),
            is_forbidden: false,
            is_required,
            is_unsure: left.iter().any(|branch| branch.is_unsure),
            shape: Shape::any(left.into_iter().map(|branch| branch.shape)),
        }
    }
}
