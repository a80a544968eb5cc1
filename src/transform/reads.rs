//! What a transform reads from the payload of an event, and what it masks.

use jsonpath_rust::parser::model::JpQuery;
use jsonpath_rust::parser::model::Segment;
use jsonpath_rust::parser::model::Selector;
use serde_json::Value;

use super::expression::Expression;
use super::expression::Source;
use super::path::Path;
use super::path::Place;
use super::path::Step as PathStep;
use super::path::Turn;
use super::places::STARS;
use super::select::Select;
use super::set::Set;
use super::steps::Step;
use super::steps::Transform;
use super::template::Piece;
use super::template::Template;
use super::text::TextTemplate;

/// The member of an event's document that holds the payload.
const PAYLOAD: &str = "data";

/// A path below the payload that somebody reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The steps; those that several values share stop where the path begins to choose.
    pub steps: Vec<ReadStep>,
    /// Whether something stands in for a value that is missing.
    pub has_default: bool,
}

/// A step of a path that somebody reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadStep {
    /// To the member of this name.
    Member(String),
    /// To one element.
    Element,
    /// To all elements.
    Each,
    /// Everywhere inside.
    Descend,
}

impl Transform {
    /// What it reads from the payload as it came, and not as one of its steps made it.
    #[must_use]
    pub fn reads(&self) -> Vec<Read> {
        let mut reads = Vec::new();
        for step in &self.steps {
            match step {
                Step::Keep(keep) => reads.extend(keep.names().map(|names| Read {
                    steps: names.iter().cloned().map(ReadStep::Member).collect(),
                    has_default: false,
                })),
                Step::Select(path) => reads.extend(read(path, false)),
                Step::Data(template) => collect(template, &mut reads),
                Step::Set(set) => set.templates().for_each(|template| collect(template, &mut reads)),
                // Nothing is missed where nothing is left to take away.
                Step::Drop(_) | Step::Mask(_) | Step::Const(_) => {}
            }
            if step.replaces_data() {
                break;
            }
        }
        reads
    }

    /// Whether a step makes another payload, in which paths mean something else.
    #[must_use]
    pub fn replaces_data(&self) -> bool {
        self.steps.iter().any(Step::replaces_data)
    }
}

/// A place of the payload whose values somebody masks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked(Place);

impl Transform {
    /// What it masks of the payload as it came.
    #[must_use]
    pub fn masks(&self) -> Vec<Masked> {
        let before = self.steps.iter().take_while(|step| !step.replaces_data());
        let places = before.flat_map(|step| match step {
            Step::Mask(mask) => mask.places().cloned().collect(),
            _ => Vec::new(),
        });
        places.map(Masked).collect()
    }
}

impl Masked {
    /// Puts stars in place of the values.
    pub fn hide(&self, data: &mut Value) {
        self.0.replace_in(data, &|_| STARS.into());
    }

    /// The way to the values from the payload; an element stands for all of them.
    #[must_use]
    pub fn steps(&self) -> Vec<ReadStep> {
        let turns = self.0.turns().iter().map(|turn| match turn {
            Turn::Member(name) => ReadStep::Member(name.clone()),
            Turn::Element(_) | Turn::Each => ReadStep::Each,
        });
        turns.collect()
    }
}

impl Step {
    fn replaces_data(&self) -> bool {
        matches!(self, Self::Select(_) | Self::Data(_) | Self::Const(_))
    }
}

impl Set {
    fn templates(&self) -> impl Iterator<Item = &Template> {
        self.0.iter().map(|(_, template)| template)
    }
}

impl TextTemplate {
    /// What it reads from the payload.
    #[must_use]
    pub fn reads(&self) -> Vec<Read> {
        let mut reads = Vec::new();
        collect(&self.template, &mut reads);
        reads
    }
}

impl Select {
    /// What it reads from the payload, if it does.
    #[must_use]
    pub fn reads(&self) -> Option<Read> {
        read(&self.path, true)
    }
}

fn collect(template: &Template, reads: &mut Vec<Read>) {
    let mut add = |expression: &Expression| {
        if let Source::Path(path) = &expression.source {
            reads.extend(read(path, expression.default.is_some()));
        }
    };
    match template {
        Template::Constant(_) => {}
        Template::Value(expression) => add(expression),
        Template::Text(pieces) => {
            for piece in pieces {
                if let Piece::Hole(expression) = piece {
                    add(expression);
                }
            }
        }
        Template::List(elements) => elements.iter().for_each(|element| collect(element, reads)),
        Template::Object(members) => members.iter().for_each(|(_, member)| collect(member, reads)),
    }
}

/// The path below the payload, if it leads there.
fn read(path: &Path, has_default: bool) -> Option<Read> {
    let steps = match path {
        Path::Plain(steps) => steps.iter().map(ReadStep::of).collect(),
        Path::Query(query) => of_query(query),
    };
    let (first, steps) = steps.split_first()?;
    let is_payload = matches!(first, ReadStep::Member(name) if name == PAYLOAD);
    (is_payload && !steps.is_empty()).then(|| Read {
        steps: steps.to_vec(),
        has_default,
    })
}

fn of_query(query: &JpQuery) -> Vec<ReadStep> {
    let mut steps = Vec::new();
    for segment in &query.segments {
        let selector = match segment {
            Segment::Descendant(inner) => {
                steps.push(ReadStep::Descend);
                match inner.as_ref() {
                    Segment::Selector(selector) => selector,
                    _ => break,
                }
            }
            Segment::Selector(selector) => selector,
            Segment::Selectors(_) => break,
        };
        steps.push(match selector {
            Selector::Name(name) => ReadStep::Member(name.clone()),
            Selector::Index(_) => ReadStep::Element,
            Selector::Slice(..) | Selector::Filter(_) | Selector::Wildcard => ReadStep::Each,
        });
    }
    steps
}

impl ReadStep {
    fn of(step: &PathStep) -> Self {
        match step {
            PathStep::Member(name) => Self::Member(name.clone()),
            PathStep::Element(_) => Self::Element,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reads(steps: &serde_json::Value) -> Vec<String> {
        let transform = Transform::parse(steps).unwrap();
        transform.reads().iter().map(shown).collect()
    }

    fn shown(read: &Read) -> String {
        let steps = read.steps.iter().map(|step| match step {
            ReadStep::Member(name) => format!(".{name}"),
            ReadStep::Element => "[0]".to_owned(),
            ReadStep::Each => "[*]".to_owned(),
            ReadStep::Descend => "..".to_owned(),
        });
        let default = if read.has_default { " ??" } else { "" };
        steps.collect::<String>() + default
    }

    #[test]
    fn what_is_read_from_the_payload_is_found_in_every_step() {
        let steps = json!([
            { "keep": ["$.data.a.b"] },
            { "set": { "subject": "x-${$.data.c}", "type": "${$.type}" } },
            { "drop": ["$.data.gone"] },
            { "data": { "d": ["${$.data.items[*].d}"], "e": "${$.data['e'][0] ?? 1}", "f": "${$.data..f}" } },
        ]);
        assert_eq!(reads(&steps), [".a.b", ".c", ".items[*].d", ".e[0] ??", "...f"]);
    }

    #[test]
    fn what_comes_after_a_step_that_makes_another_payload_is_not_read_from_the_event() {
        let steps = json!([{ "select": "$.data.order" }, { "keep": ["$.data.id"] }]);
        assert_eq!(reads(&steps), [".order"]);
        let steps =
            json!([{ "input_transformer": { "paths": { "x": "$.data.x" }, "template": "{\"x\": <x>}" } }]);
        assert_eq!(reads(&steps), [".x"]);
    }
}
