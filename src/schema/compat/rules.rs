//! The stable names of the reasons.

/// The name of a reason: what changed, seen from the old version to the new one.
///
/// `is_backward` tells which one refuses: the new version, or (forward) the old one.
pub(super) fn rule(keyword: &str, is_backward: bool) -> &'static str {
    let (backward, forward) = match keyword {
        "false" => ("value-forbidden", "value-allowed"),
        "type" => ("type-narrowed", "type-widened"),
        "enum" => ("enum-value-removed", "enum-value-added"),
        "const" => ("const-changed", "const-changed"),
        "minimum" | "exclusiveMinimum" => ("minimum-raised", "minimum-lowered"),
        "maximum" | "exclusiveMaximum" => ("maximum-lowered", "maximum-raised"),
        "multipleOf" => ("multiple-of-narrowed", "multiple-of-widened"),
        "minLength" => ("min-length-raised", "min-length-lowered"),
        "maxLength" => ("max-length-lowered", "max-length-raised"),
        "pattern" => ("pattern-narrowed", "pattern-widened"),
        "format" => ("format-narrowed", "format-widened"),
        "contentEncoding" | "contentMediaType" => ("content-narrowed", "content-widened"),
        "minItems" => ("min-items-raised", "min-items-lowered"),
        "maxItems" => ("max-items-lowered", "max-items-raised"),
        "uniqueItems" => ("unique-items-added", "unique-items-removed"),
        "items" | "prefixItems" | "additionalItems" | "unevaluatedItems" => {
            ("items-narrowed", "items-widened")
        }
        "contains" | "minContains" | "maxContains" => ("contains-narrowed", "contains-widened"),
        "minProperties" => ("min-properties-raised", "min-properties-lowered"),
        "maxProperties" => ("max-properties-lowered", "max-properties-raised"),
        "required" => ("required-added", "required-removed"),
        "properties" | "patternProperties" => ("property-narrowed", "property-widened"),
        "additionalProperties" | "unevaluatedProperties" => {
            ("additional-properties-narrowed", "additional-properties-widened")
        }
        "propertyNames" => ("property-names-narrowed", "property-names-widened"),
        "dependencies" | "dependentRequired" | "dependentSchemas" => {
            ("dependency-added", "dependency-removed")
        }
        "anyOf" => ("any-of-narrowed", "any-of-widened"),
        "oneOf" => ("one-of-narrowed", "one-of-widened"),
        "not" => ("not-widened", "not-narrowed"),
        "then" | "else" => ("condition-narrowed", "condition-widened"),
        _ => ("schema-narrowed", "schema-widened"),
    };
    if is_backward { backward } else { forward }
}

/// The name of a reason for a member that only one of the versions speaks of.
pub(super) fn undeclared(is_backward: bool) -> &'static str {
    if is_backward {
        "property-added-to-open-model"
    } else {
        "property-removed-from-open-model"
    }
}
