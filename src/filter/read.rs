//! From the JSON of filters to their tree.

use std::sync::Arc;

use serde_json::Map;
use serde_json::Value;

use super::error::MatchError;
use super::error::child;
use super::subscriptions::Comparison;
use super::subscriptions::Dialect;
use super::subscriptions::Filter;
use super::subscriptions::Filters;
use crate::cesql::Expression;

/// The dialects of filters.
pub(super) const DIALECTS: [&str; 7] = ["exact", "prefix", "suffix", "all", "any", "not", "sql"];

/// Filters of one list, those inside others counted too: more than anyone writes by hand.
const MAX_FILTERS: usize = 1_000;

/// Levels of filters in one another.
const MAX_DEPTH: usize = 32;

/// From this likeness on (Jaro-Winkler, 0 to 1), one word is taken for a misspelling of another.
const ALIKE: f64 = 0.8;

impl Filters {
    /// Reads a list of filters that stands at `pointer`.
    ///
    /// # Errors
    /// All problems, not only the first.
    pub(super) fn parse(value: &Value, pointer: &str) -> Result<Self, Vec<MatchError>> {
        let mut reader = Reader {
            errors: Vec::new(),
            seen: 0,
        };
        let all = reader.list(value, pointer, 0);
        if reader.seen > MAX_FILTERS {
            let detail = format!("{} filters; the limit is {MAX_FILTERS}", reader.seen);
            reader
                .errors
                .push(MatchError::new(pointer, "too-many-filters", detail));
        }
        if reader.errors.is_empty() {
            Ok(Self { all })
        } else {
            Err(reader.errors)
        }
    }
}

struct Reader {
    errors: Vec<MatchError>,
    seen: usize,
}

impl Reader {
    fn refuse(&mut self, pointer: &str, code: &'static str, detail: &str) {
        self.errors.push(MatchError::new(pointer, code, detail));
    }

    fn list(&mut self, value: &Value, pointer: &str, depth: usize) -> Vec<Filter> {
        match value.as_array() {
            Some(items) if !items.is_empty() => items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| self.filter(item, &format!("{pointer}/{index}"), depth))
                .collect(),
            Some(_) => {
                self.refuse(pointer, "empty-list", "no filter is given");
                Vec::new()
            }
            None => {
                self.refuse(pointer, "not-a-list", "filters are a list");
                Vec::new()
            }
        }
    }

    fn filter(&mut self, value: &Value, pointer: &str, depth: usize) -> Option<Filter> {
        self.seen += 1;
        if depth >= MAX_DEPTH {
            let detail = format!("more than {MAX_DEPTH} levels of filters lie in one another");
            self.refuse(pointer, "too-deep", &detail);
            return None;
        }
        let mut members = value.as_object().into_iter().flatten();
        let (Some((name, operand)), None) = (members.next(), members.next()) else {
            let error = MatchError::new(pointer, "not-a-filter", "a filter is an object with one dialect");
            self.errors.push(error.corrected(dialects()));
            return None;
        };
        let at = child(pointer, name);
        let dialect = match name.as_str() {
            "exact" => self.attributes(Comparison::Exact, operand, &at),
            "prefix" => self.attributes(Comparison::Prefix, operand, &at),
            "suffix" => self.attributes(Comparison::Suffix, operand, &at),
            "all" => Some(Dialect::All(self.list(operand, &at, depth + 1))),
            "any" => Some(Dialect::Any(self.list(operand, &at, depth + 1))),
            "not" => self
                .filter(operand, &at, depth + 1)
                .map(|inner| Dialect::Not(Box::new(inner))),
            "sql" => self.sql(operand, &at),
            _ => {
                let error = MatchError::new(
                    &at,
                    "unknown-dialect",
                    format!("{name} is not a dialect of filters"),
                );
                self.errors.push(error.corrected(nearest(name)));
                None
            }
        };
        Some(Filter {
            dialect: dialect?,
            pointer: at,
        })
    }

    fn attributes(&mut self, comparison: Comparison, operand: &Value, pointer: &str) -> Option<Dialect> {
        let Some(members) = operand.as_object().filter(|members| !members.is_empty()) else {
            let error = MatchError::new(
                pointer,
                "invalid-operand",
                "attributes and their texts are missing",
            );
            self.errors
                .push(error.corrected("such as { type: com.example.order.created }"));
            return None;
        };
        Some(Dialect::Attributes(comparison, self.texts(members, pointer)))
    }

    fn texts(&mut self, members: &Map<String, Value>, pointer: &str) -> Vec<(String, String)> {
        let mut texts = Vec::with_capacity(members.len());
        for (name, value) in members {
            let at = child(pointer, name);
            if name == "data" || name.starts_with("data.") {
                let error = MatchError::new(
                    &at,
                    "invalid-attribute",
                    "filters see attributes, not the payload",
                );
                self.errors
                    .push(error.corrected("an event pattern matches fields of the payload"));
            } else if !is_attribute(name) {
                let detail = "an attribute's name consists of lower-case letters and digits";
                self.refuse(&at, "invalid-attribute", detail);
            }
            match value {
                Value::String(text) if text.is_empty() => {
                    let error = MatchError::new(&at, "invalid-operand", "the text is empty");
                    self.errors
                        .push(error.corrected("`sql: EXISTS …` asks whether an attribute is there"));
                }
                Value::String(text) => texts.push((name.clone(), text.clone())),
                Value::Number(_) | Value::Bool(_) => {
                    let error = MatchError::new(&at, "invalid-operand", "attributes are compared with texts");
                    self.errors
                        .push(error.corrected(format!("quote it: \"{value}\"")));
                }
                _ => self.refuse(&at, "invalid-operand", "attributes are compared with texts"),
            }
        }
        texts
    }

    fn sql(&mut self, operand: &Value, pointer: &str) -> Option<Dialect> {
        let Some(text) = operand.as_str() else {
            self.refuse(pointer, "invalid-operand", "sql takes a CESQL expression as text");
            return None;
        };
        match Expression::predicate(text) {
            Ok(expression) => Some(Dialect::Sql(Arc::new(expression))),
            Err(error) => {
                self.errors.push(MatchError::of_sql(pointer, error));
                None
            }
        }
    }
}

fn is_attribute(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

fn dialects() -> String {
    format!("the dialects are {}", DIALECTS.join(", "))
}

fn nearest(name: &str) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(name, known);
    let nearest = DIALECTS
        .into_iter()
        .filter(|known| likeness(known) >= ALIKE)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    nearest.map_or_else(dialects, |nearest| format!("did you mean `{nearest}`?"))
}
