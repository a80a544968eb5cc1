//! Which language a `match` is, and what all three have in common.

use std::sync::Arc;

use serde_json::Value;

use super::error::MatchError;
use super::error::child;
use super::explain;
use super::read::DIALECTS;
use super::subscriptions::Filters;
use crate::cesql::Expression;
use crate::pattern;
use crate::pattern::EventView;
use crate::pattern::Explanation;
use crate::pattern::Pattern;
use crate::pattern::Residual;

/// Which events a rule wants, read and checked. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Match {
    /// An event pattern.
    Pattern(Arc<Pattern>),
    /// A CESQL expression.
    Sql(Arc<Expression>),
    /// Filters of the Subscriptions API.
    Filters(Arc<Filters>),
}

impl Match {
    /// Reads a `match`.
    ///
    /// # Errors
    /// All problems, of an expression the first.
    pub fn parse(value: &Value) -> Result<Self, Vec<MatchError>> {
        match language(value) {
            Some("sql") => {
                alone(value, "sql")?;
                let text = value.get("sql").and_then(Value::as_str).unwrap_or_default();
                let expression = Expression::predicate(text);
                expression
                    .map(|expression| Self::Sql(Arc::new(expression)))
                    .map_err(|error| vec![MatchError::of_sql("/sql", error)])
            }
            Some(_) => {
                alone(value, "filters")?;
                let list = value.get("filters").unwrap_or(&Value::Null);
                Filters::parse(list, "/filters").map(|filters| Self::Filters(Arc::new(filters)))
            }
            None => Pattern::parse(value)
                .map(|pattern| Self::Pattern(Arc::new(pattern)))
                .map_err(|errors| errors.into_iter().map(MatchError::from).collect()),
        }
    }

    /// What matching an event costs at most, in the points of the documentation of rules.
    #[must_use]
    pub fn complexity(&self) -> u64 {
        match self {
            Self::Pattern(pattern) => pattern.complexity(),
            Self::Sql(expression) => expression.complexity(),
            Self::Filters(filters) => filters.complexity(),
        }
    }

    /// Compares with one event and says what decided; for people who ask.
    #[must_use]
    pub fn explain(&self, event: &EventView<'_>) -> Explanation {
        match self {
            Self::Pattern(pattern) => pattern::explain(pattern, event),
            Self::Sql(expression) => explain::of_sql(expression, event),
            Self::Filters(filters) => explain::of_filters(filters, event),
        }
    }
}

/// As the rule set takes it.
impl From<&Match> for pattern::Filter {
    fn from(wanted: &Match) -> Self {
        match wanted {
            Match::Pattern(pattern) => Pattern::clone(pattern).into(),
            Match::Sql(expression) => Self::guarded(expression.access(), Arc::new(wanted.clone())),
            Match::Filters(filters) => Self::guarded(filters.access(), Arc::new(wanted.clone())),
        }
    }
}

impl Residual for Match {
    fn passes(&self, event: &EventView<'_>) -> bool {
        match self {
            Self::Pattern(pattern) => pattern::naive::matches(pattern, event),
            Self::Sql(expression) => expression.passes(event.attributes),
            Self::Filters(filters) => filters.pass(event.attributes),
        }
    }
}

/// The key that makes a `match` another language than patterns.
fn language(value: &Value) -> Option<&'static str> {
    let object = value.as_object()?;
    if object.get("sql").is_some_and(Value::is_string) {
        return Some("sql");
    }
    let filters = object.get("filters")?.as_array()?;
    filters.iter().any(is_filter).then_some("filters")
}

/// Whether an object is a filter, and not an alternative of a pattern on an attribute called
/// `filters`: dialects hold objects, lists or, `sql`, a text, where operators hold texts.
fn is_filter(item: &Value) -> bool {
    item.as_object().into_iter().flatten().any(|(key, value)| {
        let is_operand = value.get("equals-ignore-case").is_some();
        DIALECTS.contains(&key.as_str())
            && (value.is_object() || value.is_array() || key == "sql")
            && !is_operand
    })
}

/// Refuses what stands beside the one key of a language.
fn alone(value: &Value, language: &str) -> Result<(), Vec<MatchError>> {
    let others = value.as_object().into_iter().flatten().map(|(key, _)| key);
    let errors: Vec<_> = others
        .filter(|key| *key != language)
        .map(|key| {
            let detail = format!("`{key}` cannot stand beside `{language}`");
            MatchError::new(&child("", key), "unknown-key", detail)
                .corrected("a match is one of `sql`, `filters` and an event pattern")
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
