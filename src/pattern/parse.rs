//! From the JSON of a pattern to its clauses.

use serde_json::Map;
use serde_json::Value;

use super::condition::Condition;
use super::condition::Leaf;
use super::error::PatternError;
use super::error::child;
use super::operators::condition;
use super::operators::unavailable;

/// The most fields of one pattern: more than anyone writes by hand, few enough to verify quickly.
const MAX_FIELDS: usize = 256;

/// The most steps of one path: `data` and the 64 levels that a payload may have.
const MAX_STEPS: usize = 65;

/// Keys that combine whole patterns.
const COMBINATORS: [&str; 3] = ["$or", "$and", "$not"];

/// A filter of events, read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// Of these one must hold; never empty.
    pub(super) branches: Vec<Branch>,
}

/// Clauses that must hold together, beside patterns that must not.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Branch {
    /// In ascending order of their paths.
    pub(super) clauses: Vec<Clause>,
    /// None of these may hold in the array elements that the clauses choose.
    pub(super) nots: Vec<Branch>,
}

impl Branch {
    /// What both want.
    pub(super) fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.clauses.extend_from_slice(&other.clauses);
        both.clauses.sort_by(|a, b| a.path.cmp(&b.path));
        both.nots.extend_from_slice(&other.nots);
        both
    }
}

/// One field and what it may be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Clause {
    /// The steps to the field, joined by dots.
    pub(super) path: String,
    /// JSON pointer to the field inside the pattern.
    pub(super) pointer: String,
    /// Of these one must hold; never empty.
    pub(super) alternatives: Vec<Condition>,
}

impl Clause {
    /// Whether a value that is there meets the clause.
    pub(super) fn accepts(&self, leaf: &Leaf<'_>) -> bool {
        self.alternatives.iter().any(|condition| condition.accepts(leaf))
    }

    /// Whether the absence of the field meets the clause.
    pub(super) fn accepts_absence(&self) -> bool {
        self.alternatives.contains(&Condition::Absent)
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// All problems, not only the first.
    pub fn parse(value: &Value) -> Result<Self, Vec<PatternError>> {
        let mut parser = Parser {
            clauses: Vec::new(),
            errors: Vec::new(),
        };
        match value {
            Value::Object(fields) => parser.top(fields),
            _ => parser
                .errors
                .push(PatternError::new("", "not-an-object", "a pattern is an object")),
        }
        let Parser {
            mut clauses,
            mut errors,
        } = parser;
        if clauses.len() > MAX_FIELDS {
            let detail = format!("{} fields are named; the limit is {MAX_FIELDS}", clauses.len());
            errors.push(PatternError::new("", "too-many-fields", detail));
        }
        clauses.sort_by(|a, b| a.path.cmp(&b.path));
        for (first, second) in clauses.iter().zip(clauses.iter().skip(1)) {
            if first.path == second.path {
                let detail = format!("{} is already named at {}", second.path, first.pointer);
                errors.push(
                    PatternError::new(&second.pointer, "duplicate-field", detail)
                        .corrected("write all alternatives of a field in one list"),
                );
            }
        }
        if errors.is_empty() {
            Ok(Self {
                branches: vec![Branch {
                    clauses,
                    nots: Vec::new(),
                }],
            })
        } else {
            Err(errors)
        }
    }
}

struct Parser {
    clauses: Vec<Clause>,
    errors: Vec<PatternError>,
}

impl Parser {
    fn top(&mut self, fields: &Map<String, Value>) {
        if fields.is_empty() {
            self.errors.push(empty(""));
        }
        for (key, value) in fields {
            match attribute_problem(key, value) {
                Some(error) => self.errors.push(error),
                None => self.field(key.clone(), child("", key), key, value),
            }
        }
    }

    fn field(&mut self, path: String, pointer: String, key: &str, value: &Value) {
        if COMBINATORS.contains(&key) {
            self.errors.push(unavailable(key, &pointer));
            return;
        }
        if path.split('.').count() > MAX_STEPS {
            let detail = format!("the path has more than {MAX_STEPS} steps");
            self.errors.push(PatternError::new(&pointer, "too-deep", detail));
            return;
        }
        match value {
            Value::Object(fields) if fields.is_empty() => self.errors.push(empty(&pointer)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    self.field(format!("{path}.{key}"), child(&pointer, key), key, value);
                }
            }
            Value::Array(alternatives) => self.clause(path, pointer, alternatives),
            scalar => self.errors.push(
                PatternError::new(&pointer, "not-a-list", "a field takes a list of alternatives")
                    .corrected(Value::from(vec![scalar.clone()]).to_string()),
            ),
        }
    }

    fn clause(&mut self, path: String, pointer: String, values: &[Value]) {
        if values.is_empty() {
            self.errors.push(PatternError::new(
                &pointer,
                "empty-list",
                "no alternative is given",
            ));
        }
        let mut alternatives = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            match condition(value, &format!("{pointer}/{index}")) {
                Ok(condition) => alternatives.push(condition),
                Err(error) => self.errors.push(error),
            }
        }
        self.clauses.push(Clause {
            path,
            pointer,
            alternatives,
        });
    }
}

fn empty(pointer: &str) -> PatternError {
    PatternError::new(pointer, "empty-object", "no field is named")
}

/// Why a key cannot stand at the top of a pattern, where attributes and `data` are named.
fn attribute_problem(key: &str, value: &Value) -> Option<PatternError> {
    let pointer = child("", key);
    let wrong = |code, detail| PatternError::new(&pointer, code, detail);
    match key {
        "data" => None,
        _ if key.starts_with("data.") || COMBINATORS.contains(&key) => None,
        "detail-type" => {
            Some(wrong("foreign-attribute", "CloudEvents have no detail-type").corrected("type"))
        }
        "detail" => Some(wrong("foreign-attribute", "CloudEvents have no detail").corrected("data")),
        _ if key.is_empty() || !key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) => Some(
            wrong(
                "invalid-attribute",
                "an attribute's name consists of lower-case letters and digits",
            )
            .corrected("name fields of the payload under data"),
        ),
        _ if value.is_object() => Some(
            wrong("attribute-with-fields", "an attribute has no fields of its own")
                .corrected("name fields of the payload under data"),
        ),
        _ => None,
    }
}
