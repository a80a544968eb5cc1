//! Filters of the `CloudEvents` Subscriptions API, and what they make of an event.

use std::sync::Arc;

use crate::cesql::Expression;
use crate::pattern::Access;
use crate::pattern::Scalar;

/// A list of filters of which all must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Filters {
    /// Never empty.
    pub(super) all: Vec<Filter>,
}

/// One filter, with where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter {
    pub(super) dialect: Dialect,
    /// JSON pointer to it inside the `match`.
    pub(super) pointer: String,
}

/// What a filter wants.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Dialect {
    /// Every one of these attributes is, begins or ends so.
    Attributes(Comparison, Vec<(String, String)>),
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Sql(Arc<Expression>),
}

/// How an attribute is compared with a text: case-sensitive, numbers and booleans as they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Exact,
    Prefix,
    Suffix,
}

type Attributes<'a> = [(&'a str, Scalar<'a>)];

impl Filters {
    /// Whether an event with these attributes passes.
    #[must_use]
    pub fn pass(&self, attributes: &Attributes<'_>) -> bool {
        self.all.iter().all(|filter| filter.passes(attributes))
    }

    /// Conditions that every event meets which passes; the reverse need not be.
    #[must_use]
    pub fn access(&self) -> Access {
        all(&self.all)
    }

    /// What they cost at most, in points: one for each attribute that is compared, and those of
    /// expressions.
    #[must_use]
    pub fn complexity(&self) -> u64 {
        self.all.iter().map(Filter::complexity).sum()
    }
}

impl Filter {
    /// Whether an event with these attributes passes.
    pub(super) fn passes(&self, attributes: &Attributes<'_>) -> bool {
        match &self.dialect {
            Dialect::Attributes(comparison, wanted) => wanted
                .iter()
                .all(|(name, text)| comparison.holds(find(attributes, name), text)),
            Dialect::All(filters) => filters.iter().all(|filter| filter.passes(attributes)),
            Dialect::Any(filters) => filters.iter().any(|filter| filter.passes(attributes)),
            Dialect::Not(filter) => !filter.passes(attributes),
            Dialect::Sql(expression) => expression.passes(attributes),
        }
    }

    fn complexity(&self) -> u64 {
        match &self.dialect {
            Dialect::Attributes(_, wanted) => u64::try_from(wanted.len()).unwrap_or(u64::MAX),
            Dialect::All(filters) | Dialect::Any(filters) => filters.iter().map(Self::complexity).sum(),
            Dialect::Not(filter) => filter.complexity(),
            Dialect::Sql(expression) => expression.complexity(),
        }
    }

    fn access(&self) -> Access {
        match &self.dialect {
            Dialect::Attributes(comparison, wanted) => wanted
                .iter()
                .map(|(name, text)| comparison.access(name, text))
                .fold(Access::always(), Access::and),
            Dialect::All(filters) => all(filters),
            Dialect::Any(filters) => any(filters),
            // What the inner one misses says nothing of what this one wants.
            Dialect::Not(_) => Access::always(),
            Dialect::Sql(expression) => expression.access(),
        }
    }

    /// The attribute and the text, if the filter is `exact` on one attribute.
    fn exactly(&self) -> Option<(&str, &str)> {
        match &self.dialect {
            Dialect::Attributes(Comparison::Exact, wanted) => match wanted.as_slice() {
                [(name, text)] => Some((name, text)),
                _ => None,
            },
            _ => None,
        }
    }
}

fn all(filters: &[Filter]) -> Access {
    filters
        .iter()
        .map(Filter::access)
        .fold(Access::always(), Access::and)
}

fn any(filters: &[Filter]) -> Access {
    let exact: Option<Vec<_>> = filters.iter().map(Filter::exactly).collect();
    let exact = exact.unwrap_or_default();
    // Alternatives of one attribute are one list, however many there are.
    match exact.first() {
        Some((name, _)) if exact.iter().all(|(other, _)| other == name) => {
            Access::text_in(name, exact.iter().map(|(_, text)| *text))
        }
        _ => filters
            .iter()
            .map(Filter::access)
            .fold(Access::never(), Access::or),
    }
}

impl Comparison {
    /// Whether an attribute, if it is there, compares so with a text.
    pub(super) fn holds(self, value: Option<Scalar<'_>>, wanted: &str) -> bool {
        let holds = |text: &str| match self {
            Self::Exact => text == wanted,
            Self::Prefix => text.starts_with(wanted),
            Self::Suffix => text.ends_with(wanted),
        };
        match value {
            None => false,
            Some(Scalar::String(text)) => holds(text),
            Some(Scalar::Integer(number)) => holds(&number.to_string()),
            Some(Scalar::Boolean(truth)) => holds(if truth { "true" } else { "false" }),
        }
    }

    fn access(self, name: &str, text: &str) -> Access {
        match self {
            Self::Exact => Access::text_in(name, [text]),
            Self::Prefix => Access::text_prefix(name, text),
            Self::Suffix => Access::text_suffix(name, text),
        }
    }
}

/// The value of an attribute.
pub(super) fn find<'a>(attributes: &Attributes<'a>, name: &str) -> Option<Scalar<'a>> {
    let found = attributes.iter().find(|(own, _)| *own == name);
    found.map(|(_, value)| *value)
}
