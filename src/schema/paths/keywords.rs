//! Which keywords of a draft hold schemas.

use jsonschema::Draft;
use serde_json::Value;

/// How the value of a keyword holds schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::schema) enum Holds {
    /// Not at all: it is data, an annotation, or unknown to the draft.
    Nothing,
    /// It is one.
    One,
    /// Each of its elements is one.
    List,
    /// Each of its members is one, except lists, which `dependencies` may have.
    Map,
}

/// How `value` holds schemas as the value of a keyword.
pub(in crate::schema) fn holds(draft: Draft, keyword: &str, value: &Value) -> Holds {
    match keyword {
        "items" if draft < Draft::Draft202012 && value.is_array() => Holds::List,
        "additionalProperties" | "items" | "not" => Holds::One,
        "additionalItems" if draft < Draft::Draft202012 => Holds::One,
        "contains" | "propertyNames" if draft >= Draft::Draft6 => Holds::One,
        "else" | "if" | "then" if draft >= Draft::Draft7 => Holds::One,
        "contentSchema" | "unevaluatedItems" | "unevaluatedProperties" if draft >= Draft::Draft201909 => {
            Holds::One
        }
        "allOf" | "anyOf" | "oneOf" => Holds::List,
        "prefixItems" if draft >= Draft::Draft202012 => Holds::List,
        "definitions" | "dependencies" | "patternProperties" | "properties" => Holds::Map,
        "$defs" | "dependentSchemas" if draft >= Draft::Draft201909 => Holds::Map,
        _ => Holds::Nothing,
    }
}

/// Whether a `$ref` stands alone: before 2019-09 everything beside it is ignored.
pub(in crate::schema) fn reference_stands_alone(draft: Draft) -> bool {
    draft < Draft::Draft201909
}
