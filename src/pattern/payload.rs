//! What a pattern looks at in the payload of events of one type.

use super::condition::Condition;
use super::condition::Leaf;
use super::filter::Access;
use super::parse::Branch;
use super::parse::Clause;
use super::parse::Pattern;

/// The attribute that holds the type.
const TYPE: &str = "type";
/// What the paths of the payload begin with.
const PAYLOAD: &str = "data.";

/// A field of the payload that a pattern looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadField {
    /// The names on the way to it; arrays on the way are passed through.
    pub names: Vec<String>,
    /// The JSON types of which one is needed; none if any will do.
    pub types: Vec<&'static str>,
}

impl Pattern {
    /// The fields of the payload that decide about events of this type; none if the pattern wants none
    /// of them, or does not look.
    #[must_use]
    pub fn payload_fields(&self, kind: &str) -> Vec<PayloadField> {
        let branches = self.branches.iter().filter(|branch| branch.wants(kind));
        let mut fields = Vec::new();
        branches.for_each(|branch| branch.collect(&mut fields));
        fields
    }

    /// Whether the pattern may want events of this type.
    #[must_use]
    pub fn may_want(&self, kind: &str) -> bool {
        self.branches.iter().any(|branch| branch.wants(kind))
    }
}

impl Access {
    /// Whether events of this type may meet it.
    #[must_use]
    pub fn may_want(&self, kind: &str) -> bool {
        self.branches.iter().any(|branch| branch.wants(kind))
    }
}

impl Branch {
    fn wants(&self, kind: &str) -> bool {
        let leaf = Leaf::String(kind.into());
        let mut of_type = self.clauses.iter().filter(|clause| clause.path == TYPE);
        of_type.all(|clause| clause.alternatives.iter().any(|one| one.accepts(&leaf)))
    }

    fn collect(&self, fields: &mut Vec<PayloadField>) {
        for field in self.clauses.iter().filter_map(payload_field) {
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
        self.nots.iter().for_each(|not| not.collect(fields));
    }
}

fn payload_field(clause: &Clause) -> Option<PayloadField> {
    let names = clause.path.strip_prefix(PAYLOAD)?.split('.');
    let mut types = Vec::new();
    for condition in &clause.alternatives {
        match needed(condition) {
            Some(kind) if !types.contains(&kind) => types.push(kind),
            Some(_) => {}
            None => {
                types.clear();
                break;
            }
        }
    }
    Some(PayloadField {
        names: names.map(str::to_owned).collect(),
        types,
    })
}

/// The type that a value must have to meet a condition.
fn needed(condition: &Condition) -> Option<&'static str> {
    match condition {
        Condition::Null => Some("null"),
        Condition::Bool(_) => Some("boolean"),
        Condition::Number(_) | Condition::Numeric(_) => Some("number"),
        Condition::String(_)
        | Condition::Address(..)
        | Condition::Prefix(_)
        | Condition::Suffix(_)
        | Condition::EqualsIgnoreCase(_)
        | Condition::PrefixIgnoreCase(_)
        | Condition::SuffixIgnoreCase(_)
        | Condition::Wildcard(_)
        | Condition::Regex(_)
        | Condition::Cidr(_) => Some("string"),
        Condition::AnythingBut(_)
        | Condition::Exists
        | Condition::Absent
        | Condition::Present
        | Condition::Missing => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(pattern: &serde_json::Value, kind: &str) -> Vec<(String, Vec<&'static str>)> {
        let fields = Pattern::parse(pattern).unwrap().payload_fields(kind);
        let shown = fields
            .into_iter()
            .map(|field| (field.names.join("/"), field.types));
        shown.collect()
    }

    #[test]
    fn the_fields_of_the_payload_are_named_with_the_types_they_need() {
        let pattern = json!({
            "type": ["a"], "source": ["/s"],
            "data": { "total": [{ "numeric": [">", 1] }, "many"], "items": { "sku": [{ "exists": true }] } }
        });
        let expected = [
            ("items/sku".to_owned(), vec![]),
            ("total".to_owned(), vec!["number", "string"]),
        ];
        assert_eq!(fields(&pattern, "a"), expected);
    }

    #[test]
    fn a_branch_that_wants_another_type_does_not_count() {
        let pattern = json!({ "$or": [
            { "type": ["a"], "data": { "x": [1] } },
            { "type": [{ "prefix": "b." }], "data": { "y": [true], "$not": { "z": [null] } } }
        ]});
        assert_eq!(fields(&pattern, "a"), [("x".to_owned(), vec!["number"])]);
        let of_b = [("y".to_owned(), vec!["boolean"]), ("z".to_owned(), vec!["null"])];
        assert_eq!(fields(&pattern, "b.1"), of_b);
        assert!(fields(&pattern, "c").is_empty());
        assert!(!Pattern::parse(&pattern).unwrap().may_want("c"));
    }
}
