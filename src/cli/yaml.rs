//! Answers as YAML, for people and for `tramline rules apply`.

use serde_json::Value;

/// Words that YAML 1.1, which many readers still follow, takes for something else than text.
const WORDS: [&str; 10] = [
    "true", "false", "null", "yes", "no", "on", "off", "y", "n", "none",
];

/// The lines of a value, without the marker of a document. Numbers stay as they are written.
pub(super) fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    node(&mut out, value, 0);
    out
}

/// Writes a node where the line has come to column `indent`.
fn node(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (at, (key, value)) in members.iter().enumerate() {
                if at > 0 {
                    new_line(out, indent);
                }
                out.push_str(&text(key));
                out.push(':');
                if is_nested(value) {
                    new_line(out, indent + 2);
                    node(out, value, indent + 2);
                } else {
                    out.push(' ');
                    node(out, value, indent);
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    new_line(out, indent);
                }
                out.push_str("- ");
                node(out, item, indent + 2);
            }
        }
        Value::String(string) => out.push_str(&text(string)),
        scalar => out.push_str(&scalar.to_string()),
    }
}

fn is_nested(value: &Value) -> bool {
    match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

fn new_line(out: &mut String, indent: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

/// A text as it is where nobody can take it for anything else, otherwise in quotes, as in JSON.
fn text(string: &str) -> String {
    let is_plain = string.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && string
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
        && !WORDS.iter().any(|word| string.eq_ignore_ascii_case(word));
    if is_plain {
        string.to_owned()
    } else {
        Value::from(string).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn lists_and_objects_are_written_as_blocks() {
        let value = json!({
            "name": "orders", "when": "2026-01-01", "n": 7, "empty": [], "none": null,
            "targets": [{ "url": "http://a", "on": "on" }, ["a", ["b"]], {}],
        });
        let expected = "name: orders\nwhen: \"2026-01-01\"\n\"n\": 7\nempty: []\n\"none\": null\ntargets:\n  - url: \"http://a\"\n    \
                        \"on\": \"on\"\n  - - a\n    - - b\n  - {}";
        assert_eq!(to_yaml(&value), expected);
        let number: Value = serde_json::from_str("[1.50, 12345678901234567890123]").unwrap();
        assert_eq!(to_yaml(&number), "- 1.50\n- 12345678901234567890123");
    }

    fn values() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[a-z0-9:#~ .-]{0,6}".prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map("[a-z0-9: .-]{0,6}", inner, 0..6)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in values()) {
            let read: Value = serde_saphyr::from_str(&to_yaml(&value)).unwrap();
            prop_assert_eq!(read, value);
        }
    }
}
