//! A single text with holes, such as the subject or the topic that an event is sent to.

use serde_json::Value;

use super::document::Document;
use super::document::Facts;
use super::error::Reason;
use super::error::TransformError;
use super::limits::Budget;
use super::limits::MAX_EXPRESSIONS;
use super::scope::Scope;
use super::template::Piece;
use super::template::Template;

/// A text with `${…}` in it, read and checked.
///
/// Unlike in the template of a step, a value that is missing is a failure, and so is one that is a list
/// or an object: half an address is none. Two are equal if they are written alike.
#[derive(Debug, Clone)]
pub struct TextTemplate {
    text: String,
    pub(super) template: Template,
}

impl PartialEq for TextTemplate {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for TextTemplate {}

impl TextTemplate {
    /// Reads a text.
    ///
    /// # Errors
    /// What is wrong with its expressions.
    pub fn parse(text: &str) -> Result<Self, TransformError> {
        let mut errors = Vec::new();
        let template = Template::parse(&text.into(), "", &mut errors);
        if let Some(error) = errors.into_iter().next() {
            return Err(error);
        }
        let expressions = template.expressions();
        if expressions > MAX_EXPRESSIONS {
            let detail = format!("{expressions} expressions; the limit is {MAX_EXPRESSIONS}");
            return Err(TransformError::new("", "too-large", detail));
        }
        let text = text.to_owned();
        Ok(Self { text, template })
    }

    /// The text, if it is the same for every event.
    #[must_use]
    pub fn constant(&self) -> Option<&str> {
        match &self.template {
            Template::Constant(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The text as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.text
    }

    /// Fills in the values of an event.
    ///
    /// # Errors
    /// Which value is not there or is no text, number or boolean.
    pub fn render(&self, event: Document, facts: &Facts<'_>) -> Result<String, Reason> {
        let scope = Scope::open(event, facts);
        let mut budget = Budget::of_step();
        let mut text = String::new();
        match &self.template {
            Template::Constant(Value::String(constant)) => text.push_str(constant),
            Template::Value(expression) => {
                self.push(&mut text, &expression.evaluate(&scope, &mut budget)?)?;
            }
            Template::Text(pieces) => {
                for piece in pieces {
                    match piece {
                        Piece::Literal(literal) => text.push_str(literal),
                        Piece::Hole(expression) => {
                            self.push(&mut text, &expression.evaluate(&scope, &mut budget)?)?;
                        }
                    }
                }
            }
            // A string makes none of these.
            Template::Constant(_) | Template::List(_) | Template::Object(_) => {}
        }
        Ok(text)
    }

    fn push(&self, text: &mut String, value: &Value) -> Result<(), Reason> {
        match value {
            Value::String(value) => text.push_str(value),
            Value::Number(_) | Value::Bool(_) => text.push_str(&value.to_string()),
            Value::Null => return Err(format!("a value of `{}` is missing in the event", self.text)),
            Value::Array(_) | Value::Object(_) => {
                return Err(format!("a value of `{}` is a list or an object", self.text));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::Attribute;
    use super::super::document::Data;
    use super::*;

    const FACTS: Facts<'_> = Facts {
        now_ms: 0,
        rule: "orders",
        bus: "default",
        sequence: 7,
        mask_key: None,
    };

    fn render(text: &str) -> Result<String, Reason> {
        let string = |text: &str| Attribute::String(text.to_owned());
        let event = Document {
            attributes: vec![
                ("type".to_owned(), string("order.created")),
                ("source".to_owned(), string("/shop")),
                ("id".to_owned(), string("1")),
            ],
            data: Data::Json(r#"{"region": "eu", "n": 5, "vip": true, "list": [1], "none": null}"#.into()),
        };
        TextTemplate::parse(text).unwrap().render(event, &FACTS)
    }

    #[test]
    fn a_text_takes_attributes_data_and_facts() {
        let cases = [
            ("orders", "orders"),
            ("${$.type}", "order.created"),
            (
                "orders.${$.data.region}.${$.data.n}.${$.data.vip}",
                "orders.eu.5.true",
            ),
            ("${bus}/${rule}/${sequence}", "default/orders/7"),
            (r#"${$.data.tenant ?? "all"}"#, "all"),
            ("$${x}", "${x}"),
            ("", ""),
        ];
        for (text, wanted) in cases {
            assert_eq!(render(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn half_an_address_is_none() {
        for text in [
            "${$.subject}",
            "orders.${$.data.none}",
            "x${$.data.list}",
            "${event}",
        ] {
            assert!(render(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_correction() {
        let error = TextTemplate::parse("orders.${type}").unwrap_err();
        assert_eq!(error.code, "unknown-name");
        assert!(TextTemplate::parse("orders.${").is_err());
    }
}
