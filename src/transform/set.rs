//! The step `set`: attributes are set or removed.

use serde_json::Value;

use super::document::Attribute;
use super::error::Reason;
use super::error::TransformError;
use super::error::child;
use super::error::kind;
use super::limits::Budget;
use super::scope::Scope;
use super::template::Template;

/// Attributes without which there is no event.
const REQUIRED: [&str; 3] = ["id", "source", "type"];

/// Attributes that `CloudEvents` defines, all of them non-empty strings.
const DEFINED: [&str; 7] = [
    "id",
    "source",
    "type",
    "subject",
    "time",
    "dataschema",
    "datacontenttype",
];

/// Attributes and what becomes of each. One whose template yields null is removed.
#[derive(Debug, Clone)]
pub(super) struct Set(pub(super) Vec<(String, Template)>);

impl Set {
    /// Reads the object of attributes; problems are added to `errors`.
    pub(super) fn parse(value: &Value, pointer: &str, errors: &mut Vec<TransformError>) -> Self {
        let Some(members) = value.as_object().filter(|members| !members.is_empty()) else {
            errors.push(
                TransformError::new(pointer, "invalid-operand", "set takes an object of attributes")
                    .corrected(r#"such as {"type": "com.example.call"}"#),
            );
            return Self(Vec::new());
        };
        let mut attributes = Vec::with_capacity(members.len());
        for (name, value) in members {
            let pointer = child(pointer, name);
            errors.extend(name_problem(name, &pointer));
            let known = errors.len();
            let template = Template::parse(value, &pointer, errors);
            match &template {
                _ if errors.len() > known => {}
                Template::Constant(value) => {
                    if let Err(reason) = attribute(name, value) {
                        errors.push(TransformError::new(&pointer, "invalid-value", reason));
                    }
                }
                Template::List(_) | Template::Object(_) => errors.push(not_scalar(&pointer, value)),
                Template::Value(_) | Template::Text(_) => {}
            }
            attributes.push((name.clone(), template));
        }
        Self(attributes)
    }

    /// How many expressions the templates hold.
    pub(super) fn expressions(&self) -> usize {
        self.0.iter().map(|(_, template)| template.expressions()).sum()
    }

    /// Sets and removes; all templates see the event as it was before.
    pub(super) fn apply(&self, scope: &mut Scope<'_>) -> Result<(), Reason> {
        let mut budget = Budget::of_step();
        let mut values = Vec::with_capacity(self.0.len());
        for (name, template) in &self.0 {
            values.push((name, attribute(name, &template.render(scope, &mut budget)?)?));
        }
        for (name, value) in values {
            scope.set_attribute(name, value);
        }
        Ok(())
    }
}

/// What a value makes of an attribute; null removes it.
fn attribute(name: &str, value: &Value) -> Result<Option<Attribute>, Reason> {
    if value.is_null() {
        return if REQUIRED.contains(&name) {
            Err(format!("{name} cannot be removed"))
        } else {
            Ok(None)
        };
    }
    let attribute = Attribute::from_json(value).ok_or_else(|| {
        format!(
            "{name} must be a string, a boolean or an integer of 32 bits, not {}",
            kind(value)
        )
    })?;
    match &attribute {
        Attribute::String(text) if DEFINED.contains(&name) && text.is_empty() => {
            Err(format!("{name} cannot be empty"))
        }
        Attribute::String(text) if text.contains(char::is_control) => {
            Err(format!("{name} cannot hold control characters"))
        }
        Attribute::String(_) => Ok(Some(attribute)),
        _ if DEFINED.contains(&name) => Err(format!("{name} must be a string, not {}", kind(value))),
        _ => Ok(Some(attribute)),
    }
}

fn not_scalar(pointer: &str, value: &Value) -> TransformError {
    let detail = format!(
        "an attribute is a string, a boolean or an integer, not {}",
        kind(value)
    );
    TransformError::new(pointer, "invalid-value", detail)
}

fn name_problem(name: &str, pointer: &str) -> Option<TransformError> {
    let wrong = |detail: &str| Some(TransformError::new(pointer, "invalid-attribute", detail));
    match name {
        "specversion" => wrong("specversion cannot be set"),
        "data" => wrong("data is not an attribute").map(|error| error.corrected("use the step data")),
        _ if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) => {
            wrong("an attribute's name consists of lower-case letters and digits")
        }
        _ => None,
    }
}
