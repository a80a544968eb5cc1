//! The step `keep`: data becomes only some of its fields.

use serde_json::Map;
use serde_json::Value;

use super::error::TransformError;
use super::error::kind;
use super::path::Path;
use super::path::Step;

/// The fields to keep, each as the names that lead to it below `data`.
#[derive(Debug, Clone)]
pub(super) struct Keep(Vec<Vec<String>>);

impl Keep {
    /// Reads the list of paths; problems are added to `errors`.
    pub(super) fn parse(value: &Value, pointer: &str, errors: &mut Vec<TransformError>) -> Self {
        let Some(paths) = value.as_array().filter(|paths| !paths.is_empty()) else {
            errors.push(
                TransformError::new(pointer, "invalid-operand", "keep takes a list of paths")
                    .corrected(r#"such as ["$.data.id"]"#),
            );
            return Self(Vec::new());
        };
        let mut kept = Vec::with_capacity(paths.len());
        for (index, path) in paths.iter().enumerate() {
            match names(path, &format!("{pointer}/{index}")) {
                Ok(names) => kept.push(names),
                Err(error) => errors.push(error),
            }
        }
        Self(kept)
    }

    /// The names on the way to each field that is kept, from the payload.
    pub(super) fn names(&self) -> impl Iterator<Item = &[String]> {
        self.0.iter().map(Vec::as_slice)
    }

    /// How many paths there are.
    pub(super) fn paths(&self) -> usize {
        self.0.len()
    }

    /// The kept fields at their places, in the order of the paths; those that are missing are left
    /// out, and data that is not an object has none.
    pub(super) fn apply(&self, event: &Value) -> Value {
        let mut kept = Map::new();
        for names in &self.0 {
            if let Some(value) = find(event, names) {
                place(&mut kept, names, value);
            }
        }
        kept.into()
    }
}

fn find<'v>(event: &'v Value, names: &[String]) -> Option<&'v Value> {
    names
        .iter()
        .try_fold(event.get("data")?, |value, name| value.as_object()?.get(name))
}

/// Puts a value where the names lead, through objects made on the way.
fn place(object: &mut Map<String, Value>, names: &[String], value: &Value) {
    let Some((name, below)) = names.split_first() else {
        return;
    };
    if below.is_empty() {
        object.insert(name.clone(), value.clone());
    } else if let Value::Object(inner) = object.entry(name.as_str()).or_insert_with(|| Map::new().into()) {
        place(inner, below, value);
    }
}

fn names(path: &Value, pointer: &str) -> Result<Vec<String>, TransformError> {
    let text = path.as_str().ok_or_else(|| {
        TransformError::new(
            pointer,
            "invalid-path",
            format!("a path is a string, not {}", kind(path)),
        )
    })?;
    let refuse = || {
        TransformError::new(
            pointer,
            "invalid-path",
            format!("{text} does not name a field below $.data"),
        )
        .corrected("keep takes plain paths such as $.data.customer.name")
    };
    let Path::Plain(steps) = Path::parse(text, pointer)? else {
        return Err(refuse());
    };
    let names: Option<Vec<String>> = steps
        .into_iter()
        .map(|step| match step {
            Step::Member(name) => Some(name),
            Step::Element(_) => None,
        })
        .collect();
    match names.as_deref() {
        Some([data, below @ ..]) if data == "data" && !below.is_empty() => Ok(below.to_vec()),
        _ => Err(refuse()),
    }
}
