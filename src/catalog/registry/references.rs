//! Where a document refers to others: the names there, and URLs in their place.

use std::collections::HashMap;

use serde_json::Value;

use super::url::DOCUMENT_BASE;
use super::url::version_anywhere;
use super::url::version_path;
use super::version::Versions;
use crate::catalog::names::EventType;

/// Keywords whose values are data.
const DATA: [&str; 4] = ["const", "default", "enum", "examples"];
/// Keywords whose values are schemas by names that are no keywords.
const NAMED: [&str; 6] = [
    "$defs",
    "definitions",
    "dependencies",
    "dependentSchemas",
    "patternProperties",
    "properties",
];

/// The versions among `refers` that a document names itself, each with what it names it by.
#[must_use]
pub fn references(document: &Value, refers: &Versions) -> Vec<(String, EventType, u32)> {
    let mut found: Vec<(String, EventType, u32)> = Vec::new();
    if refers.is_empty() {
        return found;
    }
    each_text(&mut document.clone(), &mut |keyword, text| {
        let (name, _) = split(text);
        let is_new = || found.iter().all(|(known, _, _)| known != name);
        if let Some((kind, number)) = version_anywhere(name).filter(|_| keyword == "$ref")
            && refers.contains(&(kind.clone(), number))
            && is_new()
        {
            found.push((name.to_owned(), kind, number));
        }
    });
    found
}

/// Lets a document refer to versions by their URLs where it refers to them by these names.
pub fn refer_by_url<S: std::hash::BuildHasher>(
    document: &mut Value,
    names: &HashMap<String, (EventType, u32), S>,
) {
    let mut has_base = false;
    each_text(document, &mut |keyword, _| {
        has_base |= matches!(keyword, "$id" | "id");
    });
    // A path is meant relative to the base of the document, which is not here if it names one.
    let root = if has_base { DOCUMENT_BASE } else { "" };
    each_text(document, &mut |keyword, text| {
        let (name, fragment) = split(text);
        if let Some((kind, number)) = names.get(name).filter(|_| keyword == "$ref") {
            let path = version_path(kind.as_str(), *number);
            *text = format!("{root}{path}{fragment}");
        }
    });
}

/// A reference without its fragment, and the fragment with its `#`.
fn split(reference: &str) -> (&str, &str) {
    reference.split_at(reference.find('#').unwrap_or(reference.len()))
}

/// Shows every keyword of a schema whose value is a text. Documents are nested as deep as JSON is read.
fn each_text(schema: &mut Value, visit: &mut dyn FnMut(&str, &mut String)) {
    match schema {
        Value::Object(members) => {
            for (keyword, member) in members.iter_mut() {
                match member {
                    _ if DATA.contains(&keyword.as_str()) => {}
                    Value::String(text) => visit(keyword, text),
                    Value::Object(schemas) if NAMED.contains(&keyword.as_str()) => {
                        schemas.values_mut().for_each(|schema| each_text(schema, visit));
                    }
                    other => each_text(other, visit),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, visit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn money() -> (EventType, u32) {
        (EventType::parse("a/money").unwrap(), 3)
    }

    fn written(mut document: Value) -> Value {
        let names = HashMap::from([("money.json".to_owned(), money())]);
        refer_by_url(&mut document, &names);
        document
    }

    #[test]
    fn only_references_are_written_as_urls() {
        let data = json!({ "$ref": "money.json" });
        let document = json!({
            "title": "money.json",
            "const": data,
            "examples": [data],
            "properties": {
                "const": { "$ref": "money.json#/$defs/a" },
                "other": { "$ref": "other.json" },
                "$ref": { "type": "string" },
            },
            "anyOf": [{ "$ref": "money.json" }, true],
        });
        let url = "/v1/schemas/a%2Fmoney/versions/3";
        let mut expected = document.clone();
        expected["properties"]["const"]["$ref"] = json!(format!("{url}#/$defs/a"));
        expected["anyOf"][0]["$ref"] = json!(url);
        assert_eq!(written(document), expected);
    }

    #[test]
    fn a_document_with_a_base_refers_by_a_url_that_does_not_depend_on_it() {
        let document = written(json!({ "$id": "https://example.com/a", "$ref": "money.json" }));
        let url = "json-schema:///v1/schemas/a%2Fmoney/versions/3";
        assert_eq!(document["$ref"], json!(url));
    }

    #[test]
    fn what_is_written_is_found_again() {
        for base in [json!(null), json!("https://example.com/a")] {
            let reference = json!({ "$ref": "money.json#/a" });
            let mut document = json!({ "anyOf": [reference, { "$ref": "#/$defs/a" }, reference] });
            if !base.is_null() {
                document["$id"] = base;
            }
            let document = written(document);
            let text = document["anyOf"][0]["$ref"].as_str().unwrap();
            let found = references(&document, &Versions::from([money()]));
            let (kind, number) = money();
            assert_eq!(found, [(text.trim_end_matches("#/a").to_owned(), kind, number)]);
            assert_eq!(references(&document, &Versions::new()), []);
        }
    }
}
