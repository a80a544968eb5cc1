//! What a transform reads from the payload of an event, and what it masks.

use serde_json::Value;

use super::expression::Expression;
use super::expression::Source;
use super::path::Path;
use super::path::Place;
use super::path::Step as PathStep;
use super::path::Turn;
use super::places::STARS;
use super::queries;
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
    /// The steps.
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
                // Nothing is missed where nothing is left to take away, but what is called otherwise now stays.
                Step::Drop(drop) => reads.extend(drop.places().map(Read::of_place)),
                Step::Mask(mask) => reads.extend(mask.places().map(Read::of_place)),
                Step::Const(_) => {}
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

/// Values of the payload that somebody masks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Masked {
    /// Those at a place; an element stands for all of them.
    At(Vec<ReadStep>),
    /// All members of this name: where they were in the payload as it came cannot be told.
    Named(String),
}

impl Transform {
    /// What it masks of the payload.
    #[must_use]
    pub fn masks(&self) -> Vec<Masked> {
        let mut masks = Vec::new();
        let mut is_replaced = false;
        for step in &self.steps {
            if let Step::Mask(mask) = step {
                masks.extend(mask.places().map(|place| Masked::of(place, is_replaced)));
            }
            is_replaced |= step.replaces_data();
        }
        masks
    }
}

impl Masked {
    fn of(place: &Place, is_replaced: bool) -> Self {
        let at = Self::At(steps_of(place));
        if is_replaced { at.moved() } else { at }
    }

    /// The same in a payload that was made of another one.
    #[must_use]
    pub fn moved(self) -> Self {
        let Self::At(steps) = &self else { return self };
        let names = steps.iter().rev().find_map(|step| match step {
            ReadStep::Member(name) => Some(name.clone()),
            _ => None,
        });
        names.map_or(self, Self::Named)
    }

    /// Puts stars in place of the values.
    pub fn hide(&self, data: &mut Value) {
        match self {
            Self::At(steps) => hide_at(steps, data),
            Self::Named(name) => hide_named(name, data),
        }
    }
}

/// Recursion is as deep as the place.
fn hide_at(steps: &[ReadStep], data: &mut Value) {
    let Some((step, rest)) = steps.split_first() else {
        *data = STARS.into();
        return;
    };
    match (step, data) {
        (ReadStep::Member(name), Value::Object(members)) => {
            if let Some(inner) = members.get_mut(name) {
                hide_at(rest, inner);
            }
        }
        (ReadStep::Each | ReadStep::Element, Value::Object(members)) => {
            for inner in members.values_mut() {
                hide_at(rest, inner);
            }
        }
        (ReadStep::Each | ReadStep::Element, Value::Array(elements)) => {
            for inner in elements {
                hide_at(rest, inner);
            }
        }
        _ => {}
    }
}

/// Recursion is as deep as the data, which was read within bounds.
fn hide_named(name: &str, data: &mut Value) {
    match data {
        Value::Object(members) => {
            for (own, inner) in members {
                if own == name {
                    *inner = STARS.into();
                } else {
                    hide_named(name, inner);
                }
            }
        }
        Value::Array(elements) => {
            for inner in elements {
                hide_named(name, inner);
            }
        }
        _ => {}
    }
}

fn steps_of(place: &Place) -> Vec<ReadStep> {
    let turns = place.turns().iter().map(|turn| match turn {
        Turn::Member(name) => ReadStep::Member(name.clone()),
        Turn::Element(_) | Turn::Each => ReadStep::Each,
    });
    turns.collect()
}

impl Read {
    fn of_place(place: &Place) -> Self {
        Self {
            steps: steps_of(place),
            has_default: true,
        }
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
    /// What it reads from the payload.
    #[must_use]
    pub fn reads(&self) -> Vec<Read> {
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

/// The paths below the payload, if it leads there.
fn read(path: &Path, has_default: bool) -> Vec<Read> {
    let paths = match path {
        Path::Plain(steps) => vec![steps.iter().map(ReadStep::of).collect()],
        Path::Query(query) => queries::paths(query),
    };
    let below = paths.into_iter().filter_map(|steps: Vec<ReadStep>| {
        let (first, steps) = steps.split_first()?;
        let is_payload = matches!(first, ReadStep::Member(name) if name == PAYLOAD);
        (is_payload && !steps.is_empty()).then(|| steps.to_vec())
    });
    below.map(|steps| Read { steps, has_default }).collect()
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
        assert_eq!(
            reads(&steps),
            [".a.b", ".c", ".gone ??", ".items[*].d", ".e[0] ??", "...f"]
        );
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
