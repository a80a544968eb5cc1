//! Templates that are written straight from the text of the data.
//!
//! A template whose expressions are attributes, names and plain paths is kept as pieces of JSON with
//! holes between them. One pass over the data finds what goes into the holes, without building the
//! event's document. The result is the text of what rendering the template gives; where that is not
//! certain there is no result, and the template has to be rendered.

use std::borrow::Cow;

use serde_json::Value;

use super::document::Document;
use super::document::Facts;
use super::expression::Expression;
use super::expression::Source;
use super::filling::Filling;
use super::filling::inside_string;
use super::limits::MAX_DEPTH;
use super::limits::MAX_EXPRESSIONS;
use super::limits::MAX_OUTPUT;
use super::limits::nests_deeper;
use super::path::Path;
use super::path::Step;
use super::scope::Fact;
use super::template::Piece;
use super::template::Template;
use super::wanted::Wanted;

/// Bytes up to which a result surely is within the budget of a step, which counts the quotes of each
/// string that goes into a text.
const SURE_OUTPUT: usize = MAX_OUTPUT - 2 * MAX_EXPRESSIONS;

/// A template, taken apart.
#[derive(Debug, Clone, Default)]
pub(super) struct Direct {
    parts: Vec<Part>,
    /// The paths below `data`; a path's place here is the number of its value.
    paths: Vec<Vec<Step>>,
    wanted: Option<Wanted>,
}

#[derive(Debug, Clone)]
enum Part {
    /// JSON as it is.
    Literal(String),
    /// A value with its type, which may nest so deep.
    Value(Hole, usize),
    /// A value within a string.
    Text(Hole),
}

#[derive(Debug, Clone)]
struct Hole {
    origin: Origin,
    default: Value,
}

#[derive(Debug, Clone)]
enum Origin {
    Data(usize),
    Attribute(String),
    Fact(Fact),
}

impl Direct {
    /// Takes a template apart, if its expressions allow that.
    pub(super) fn of(template: &Template) -> Option<Self> {
        let mut direct = Self::default();
        direct.template(template, MAX_DEPTH)?;
        Some(direct)
    }

    fn template(&mut self, template: &Template, levels: usize) -> Option<()> {
        match template {
            Template::Constant(value) if nests_deeper(value, levels) => return None,
            Template::Constant(value) => self.literal(&value.to_string()),
            Template::Value(expression) => {
                let hole = self.hole(expression)?;
                self.parts.push(Part::Value(hole, levels));
            }
            Template::Text(pieces) => {
                self.literal("\"");
                for piece in pieces {
                    match piece {
                        Piece::Literal(text) => self.literal(&inside_string(text)?),
                        Piece::Hole(expression) => {
                            let hole = self.hole(expression)?;
                            self.parts.push(Part::Text(hole));
                        }
                    }
                }
                self.literal("\"");
            }
            Template::List(elements) => {
                self.literal("[");
                for (index, element) in elements.iter().enumerate() {
                    self.literal(if index > 0 { "," } else { "" });
                    self.template(element, levels.checked_sub(1)?)?;
                }
                self.literal("]");
            }
            Template::Object(members) => {
                self.literal("{");
                for (index, (key, member)) in members.iter().enumerate() {
                    self.literal(if index > 0 { ",\"" } else { "\"" });
                    self.literal(&inside_string(key)?);
                    self.literal("\":");
                    self.template(member, levels.checked_sub(1)?)?;
                }
                self.literal("}");
            }
        }
        Some(())
    }

    fn literal(&mut self, json: &str) {
        match self.parts.last_mut() {
            Some(Part::Literal(before)) => before.push_str(json),
            _ => self.parts.push(Part::Literal(json.to_owned())),
        }
    }

    fn hole(&mut self, expression: &Expression) -> Option<Hole> {
        let origin = match &expression.source {
            Source::Path(Path::Plain(steps)) => match steps.split_first()? {
                (Step::Member(name), below) if name == "data" => Origin::Data(self.number(below)?),
                (Step::Member(name), []) if name != "specversion" => Origin::Attribute(name.clone()),
                _ => return None,
            },
            Source::Fact(Fact::Envelope | Fact::EventJson) | Source::Path(_) | Source::Event => return None,
            Source::Fact(fact) => Origin::Fact(*fact),
        };
        Some(Hole {
            origin,
            default: expression.default.clone().unwrap_or_default(),
        })
    }

    /// The number of the value at a path.
    fn number(&mut self, path: &[Step]) -> Option<usize> {
        if let Some(known) = self.paths.iter().position(|known| known == path) {
            return Some(known);
        }
        let number = self.paths.len();
        self.paths.push(path.to_vec());
        match &mut self.wanted {
            Some(wanted) => wanted.add(path, number)?,
            wanted => *wanted = Some(Wanted::of(path, number)),
        }
        Some(number)
    }

    /// The JSON that the template makes of an event, if that is certain.
    pub(super) fn write(&self, event: &Document, facts: &Facts<'_>) -> Option<String> {
        let found = match &self.wanted {
            Some(wanted) => {
                let json = std::str::from_utf8(event.json()?).ok()?;
                wanted.find(self.paths.len(), json)?
            }
            None => Vec::new(),
        };
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(json) => out.push_str(json),
                Part::Value(hole, levels) => hole.filling(&found, event, facts)?.write(*levels, &mut out)?,
                Part::Text(hole) => hole
                    .filling(&found, event, facts)?
                    .write_inside_string(&mut out)?,
            }
            if out.len() > SURE_OUTPUT {
                return None;
            }
        }
        Some(out)
    }
}

impl Hole {
    fn filling<'a>(
        &'a self,
        found: &[Option<&'a str>],
        event: &Document,
        facts: &Facts<'_>,
    ) -> Option<Filling<'a>> {
        let value = match &self.origin {
            Origin::Data(number) => found.get(*number)?.map(Filling::Written),
            Origin::Attribute(name) => {
                let value = event.attribute(name).cloned();
                value.map(|value| Filling::Value(Cow::Owned(value.into_json())))
            }
            Origin::Fact(fact) => Some(Filling::Value(Cow::Owned(facts.value(*fact)?))),
        };
        Some(value.unwrap_or(Filling::Value(Cow::Borrowed(&self.default))))
    }
}
