//! From the JSON of a pattern to its branches.

use std::collections::HashMap;

use serde_json::Map;
use serde_json::Value;

use super::combine::Combination;
use super::combine::Combinator;
use super::condition::Condition;
use super::condition::Leaf;
use super::error::PatternError;
use super::error::child;
use super::operators::condition;

/// The most fields of one pattern: more than anyone writes by hand, few enough to verify quickly.
const MAX_FIELDS: usize = 256;

/// The most steps of one path: `data` and the 64 levels that a payload may have.
const MAX_STEPS: usize = 65;

/// How deep patterns may stand inside patterns.
const MAX_NESTING: usize = 16;

/// The highest complexity of one pattern; `complexity.rs` tells what counts.
pub const MAX_COMPLEXITY: u64 = 20_000;

/// A filter of events, read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// Of these one must hold; never empty.
    pub(super) branches: Vec<Branch>,
    complexity: u64,
}

/// Clauses that must hold together, beside patterns that must not.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Branch {
    /// In ascending order of their paths; a path comes twice if two patterns name it.
    pub(super) clauses: Vec<Clause>,
    /// None of these may hold in the array elements that the clauses choose.
    pub(super) nots: Vec<Branch>,
}

impl Branch {
    /// What both want.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.clauses.extend(other.clauses);
        self.clauses.sort_by(|a, b| a.path.cmp(&b.path));
        self.nots.extend(other.nots);
        self
    }

    /// What both want, but of a field that both name only what the other wants.
    pub(super) fn replaced_by(mut self, other: Self) -> Self {
        self.clauses
            .retain(|mine| !other.clauses.iter().any(|theirs| theirs.path == mine.path));
        self.and(other)
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

/// What must not be there for a clause to hold without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Absence {
    /// Values.
    OfValues,
    /// Values, objects and lists.
    OfAnything,
}

impl Absence {
    /// Whether something of this kind, if there, spoils the absence.
    pub(super) fn is_spoilt_by(self, leaf: &Leaf<'_>) -> bool {
        self == Self::OfAnything || *leaf != Leaf::Nested
    }
}

impl Clause {
    /// Whether what is there meets the clause.
    pub(super) fn accepts(&self, leaf: &Leaf<'_>) -> bool {
        self.alternatives.iter().any(|condition| condition.accepts(leaf))
    }

    /// Whether the absence of the field meets the clause, and which absence.
    pub(super) fn absence(&self) -> Option<Absence> {
        if self.alternatives.contains(&Condition::Absent) {
            Some(Absence::OfValues)
        } else if self.alternatives.contains(&Condition::Missing) {
            Some(Absence::OfAnything)
        } else {
            None
        }
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// Takes time and memory in proportion to the text, and never more than a pattern of the
    /// highest complexity does.
    ///
    /// # Errors
    /// All problems, not only the first.
    pub fn parse(value: &Value) -> Result<Self, Vec<PatternError>> {
        let mut parser = Parser::default();
        let Value::Object(fields) = value else {
            return Err(vec![PatternError::new(
                "",
                "not-an-object",
                "a pattern is an object",
            )]);
        };
        let pattern = parser.pattern("", "", fields);
        let mut errors = parser.errors;
        if parser.fields > MAX_FIELDS {
            let detail = format!("{} fields are named; the limit is {MAX_FIELDS}", parser.fields);
            errors.push(PatternError::new("", "too-many-fields", detail));
        }
        let complexity = pattern.complexity();
        if complexity > MAX_COMPLEXITY {
            let detail =
                format!("the complexity of the pattern is {complexity}; the limit is {MAX_COMPLEXITY}");
            errors.push(
                PatternError::new("", "too-complex", detail)
                    .corrected("write several rules, or fewer alternatives"),
            );
        }
        if errors.is_empty() {
            Ok(Self {
                branches: pattern.branches(),
                complexity,
            })
        } else {
            Err(errors)
        }
    }

    /// What the pattern costs at most, in the points that the documentation of rules lists.
    #[must_use]
    pub fn complexity(&self) -> u64 {
        self.complexity
    }
}

#[derive(Default)]
struct Parser {
    errors: Vec<PatternError>,
    /// The fields named so far, in all branches.
    fields: usize,
    /// How many patterns are around the one being read.
    nesting: usize,
    /// The paths of the pattern being read, each with the pointer to it.
    named: HashMap<String, String>,
}

impl Parser {
    /// Reads the fields that stand under `path`, as a pattern of its own.
    fn pattern(&mut self, path: &str, pointer: &str, fields: &Map<String, Value>) -> Combination {
        if self.nesting == MAX_NESTING {
            let detail = format!("patterns stand inside patterns more than {MAX_NESTING} deep");
            self.errors.push(PatternError::new(pointer, "too-deep", detail));
            return Combination::All(Vec::new());
        }
        self.nesting += 1;
        let around = std::mem::take(&mut self.named);
        let read = self.object(path, pointer, fields);
        self.named = around;
        self.nesting -= 1;
        read
    }

    fn object(&mut self, path: &str, pointer: &str, fields: &Map<String, Value>) -> Combination {
        if fields.is_empty() {
            let error = PatternError::new(pointer, "empty-object", "no field is named");
            self.errors.push(error);
        }
        let mut all = Vec::with_capacity(fields.len());
        for (key, value) in fields {
            let pointer = child(pointer, key);
            if let Some(combinator) = Combinator::of(key, value) {
                all.push(self.combined(combinator, path, &pointer));
                continue;
            }
            let before = self.errors.len();
            if path.is_empty() {
                match attribute_problem(key, value, &pointer) {
                    Some(error) => self.errors.push(error),
                    None => all.push(self.field(key.clone(), pointer.clone(), value)),
                }
            } else {
                all.push(self.field(format!("{path}.{key}"), pointer.clone(), value));
            }
            if let Some(form) = Combinator::form(key).filter(|_| self.errors.len() > before) {
                // No field of that name either, so the author meant the combinator.
                self.errors.truncate(before);
                self.errors
                    .push(PatternError::new(&pointer, "malformed-combinator", form));
            }
        }
        Combination::Object(all)
    }

    fn combined(&mut self, combinator: Combinator<'_>, path: &str, pointer: &str) -> Combination {
        let mut each = |patterns: &[Value]| {
            let mut read = Vec::with_capacity(patterns.len());
            for (index, pattern) in patterns.iter().enumerate() {
                if let Value::Object(fields) = pattern {
                    read.push(self.pattern(path, &format!("{pointer}/{index}"), fields));
                }
            }
            read
        };
        match combinator {
            Combinator::Or(patterns) => Combination::Any(each(patterns)),
            Combinator::And(patterns) => Combination::All(each(patterns)),
            Combinator::Not(fields) => Combination::Not(Box::new(self.pattern(path, pointer, fields))),
        }
    }

    fn field(&mut self, path: String, pointer: String, value: &Value) -> Combination {
        if path.split('.').count() > MAX_STEPS {
            let detail = format!("the path has more than {MAX_STEPS} steps");
            self.errors.push(PatternError::new(&pointer, "too-deep", detail));
            return Combination::All(Vec::new());
        }
        match value {
            Value::Object(fields) => return self.object(&path, &pointer, fields),
            Value::Array(alternatives) => return self.clause(path, pointer, alternatives),
            scalar => self.errors.push(
                PatternError::new(&pointer, "not-a-list", "a field takes a list of alternatives")
                    .corrected(Value::from(vec![scalar.clone()]).to_string()),
            ),
        }
        Combination::All(Vec::new())
    }

    fn clause(&mut self, path: String, pointer: String, values: &[Value]) -> Combination {
        if values.is_empty() {
            let error = PatternError::new(&pointer, "empty-list", "no alternative is given");
            self.errors.push(error);
        }
        let mut alternatives = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            match condition(value, &format!("{pointer}/{index}")) {
                Ok(condition) => alternatives.push(condition),
                Err(error) => self.errors.push(error),
            }
        }
        self.fields += 1;
        if let Some(first) = self.named.get(&path) {
            let detail = format!("{path} is already named at {first}");
            self.errors.push(
                PatternError::new(&pointer, "duplicate-field", detail)
                    .corrected("write all alternatives of a field in one list"),
            );
        } else {
            self.named.insert(path.clone(), pointer.clone());
        }
        Combination::Field(Clause {
            path,
            pointer,
            alternatives,
        })
    }
}

/// Why a key cannot stand at the top of a pattern, where attributes and `data` are named.
fn attribute_problem(key: &str, value: &Value, pointer: &str) -> Option<PatternError> {
    let wrong = |code, detail| PatternError::new(pointer, code, detail);
    match key {
        "data" => None,
        _ if key.starts_with("data.") => None,
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
