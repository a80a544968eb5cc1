//! Paths into the document of an event.

use jsonpath_rust::parser::model::JpQuery;
use jsonpath_rust::parser::model::Segment;
use jsonpath_rust::parser::model::Selector;
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use serde_json::Value;

use super::error::Reason;
use super::error::TransformError;

/// Bytes that the places of all values of a document may take when written out, which evaluating a
/// query does: 64 bytes for each byte of the largest output.
const MAX_PLACES: usize = 64 << 20;

/// Commas in a query: each may double the values that it selects.
const MAX_COMMAS: usize = 4;

/// A path, parsed.
#[derive(Debug, Clone)]
pub(super) enum Path {
    /// Names and indexes only: at most one value.
    Plain(Vec<Step>),
    /// Anything else `JSONPath` can say.
    Query(JpQuery),
}

/// A step of a plain path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// To the member of an object.
    Member(String),
    /// To the element of an array.
    Element(usize),
}

/// What a path selects.
#[derive(Debug, PartialEq)]
pub(super) enum Found<'v> {
    /// Nothing.
    Missing,
    /// One value.
    One(&'v Value),
    /// Several values, in the order of the document.
    Several(Vec<&'v Value>),
}

impl Path {
    /// Reads a `JSONPath` and refuses what could take unreasonable time.
    pub(super) fn parse(text: &str, pointer: &str) -> Result<Self, TransformError> {
        let query = parse_json_path(text).map_err(|error| {
            let detail = error.to_string();
            let reason = detail
                .lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches([' ', '=']);
            TransformError::new(
                pointer,
                "invalid-path",
                format!("{text} is not a JSONPath: {reason}"),
            )
            .corrected("such as $.data.customer.name")
        })?;
        if let Some(steps) = query.segments.iter().map(Step::of).collect() {
            return Ok(Self::Plain(steps));
        }
        let bare = without_strings(text);
        let filter = bare.split_once('?').map_or("", |(_, filter)| filter);
        if bare.matches("..").count() > 1
            || bare.matches(',').count() > MAX_COMMAS
            || filter.contains('$')
            || filter.contains("..")
        {
            let detail = format!("{text} may look at the whole event many times over");
            return Err(TransformError::new(pointer, "path-too-costly", detail)
                .corrected("use .. only once, and neither .. nor $ in a filter"));
        }
        Ok(Self::Query(query))
    }

    /// The values that the path selects.
    pub(super) fn find<'v>(&self, document: &'v Value) -> Result<Found<'v>, Reason> {
        let query = match self {
            Self::Plain(steps) => return Ok(follow(steps, document).map_or(Found::Missing, Found::One)),
            Self::Query(query) => query,
        };
        if places(document, 1) > MAX_PLACES {
            return Err(format!("the event is too large for the path {query}"));
        }
        let found = js_path_process(query, document).map_err(|error| error.to_string())?;
        let values: Vec<_> = found
            .into_iter()
            .map(jsonpath_rust::query::QueryRef::val)
            .collect();
        Ok(match values.as_slice() {
            [] => Found::Missing,
            [one] => Found::One(one),
            _ => Found::Several(values),
        })
    }
}

impl Step {
    fn of(segment: &Segment) -> Option<Self> {
        match segment {
            Segment::Selector(Selector::Name(name)) => Some(Self::Member(name.clone())),
            Segment::Selector(Selector::Index(index)) => usize::try_from(*index).ok().map(Self::Element),
            _ => None,
        }
    }
}

/// Places below `data`: names, indexes, and `*` for everything at a level.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(Vec<Turn>);

/// A step of a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    Member(String),
    Element(usize),
    Each,
}

impl Place {
    /// Reads a path that begins with `$.data` and names something below.
    pub(super) fn parse(text: &str, pointer: &str) -> Result<Self, TransformError> {
        // Checks the text, and says what is wrong with one that is no path at all.
        Path::parse(text, pointer)?;
        let segments = parse_json_path(text)
            .map(|query| query.segments)
            .unwrap_or_default();
        let turns: Option<Vec<_>> = segments.iter().map(Turn::of).collect();
        let mut turns = turns.unwrap_or_default();
        let is_below_data = turns.len() > 1 && turns.first() == Some(&Turn::Member("data".to_owned()));
        if !is_below_data {
            let detail = format!("{text} does not name fields below $.data");
            return Err(TransformError::new(pointer, "invalid-path", detail)
                .corrected("names, indexes and * such as $.data.customers[*].email"));
        }
        turns.remove(0);
        Ok(Self(turns))
    }

    /// The way to the places.
    pub(super) fn turns(&self) -> &[Turn] {
        &self.0
    }

    /// Removes the values at the places.
    pub(super) fn remove_from(&self, data: &mut Value) {
        let Some((last, before)) = self.0.split_last() else {
            return;
        };
        visit(data, before, &mut |parent| match (last, parent) {
            (Turn::Member(name), Value::Object(members)) => drop(members.shift_remove(name)),
            (Turn::Element(index), Value::Array(elements)) if *index < elements.len() => {
                elements.remove(*index);
            }
            (Turn::Each, Value::Object(members)) => members.clear(),
            (Turn::Each, Value::Array(elements)) => elements.clear(),
            _ => {}
        });
    }

    /// Replaces the values at the places.
    pub(super) fn replace_in(&self, data: &mut Value, replacement: &impl Fn(&Value) -> Value) {
        visit(data, &self.0, &mut |value| *value = replacement(value));
    }
}

impl Turn {
    fn of(segment: &Segment) -> Option<Self> {
        match segment {
            Segment::Selector(Selector::Wildcard) => Some(Self::Each),
            segment => match Step::of(segment)? {
                Step::Member(name) => Some(Self::Member(name)),
                Step::Element(index) => Some(Self::Element(index)),
            },
        }
    }
}

/// Calls for every value that the turns lead to.
fn visit(value: &mut Value, turns: &[Turn], call: &mut impl FnMut(&mut Value)) {
    let Some((turn, rest)) = turns.split_first() else {
        call(value);
        return;
    };
    match (turn, value) {
        (Turn::Member(name), Value::Object(members)) => {
            if let Some(member) = members.get_mut(name) {
                visit(member, rest, call);
            }
        }
        (Turn::Element(index), Value::Array(elements)) => {
            if let Some(element) = elements.get_mut(*index) {
                visit(element, rest, call);
            }
        }
        (Turn::Each, Value::Object(members)) => {
            for member in members.values_mut() {
                visit(member, rest, call);
            }
        }
        (Turn::Each, Value::Array(elements)) => {
            for element in elements {
                visit(element, rest, call);
            }
        }
        _ => {}
    }
}

fn follow<'v>(steps: &[Step], document: &'v Value) -> Option<&'v Value> {
    steps.iter().try_fold(document, |value, step| match step {
        Step::Member(name) => value.as_object()?.get(name),
        Step::Element(index) => value.as_array()?.get(*index),
    })
}

/// The path without its string literals, in which nothing has a meaning.
fn without_strings(text: &str) -> String {
    let mut quotes = Quotes::default();
    text.chars().filter(|&c| !quotes.inside(c)).collect()
}

/// Follows text from its beginning and knows when it is within a string literal.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    open: Option<char>,
    escaped: bool,
}

impl Quotes {
    /// Whether the next character belongs to a literal, quotes included.
    pub(super) fn inside(&mut self, c: char) -> bool {
        match self.open {
            None => {
                self.open = matches!(c, '"' | '\'').then_some(c);
                self.open.is_some()
            }
            Some(quote) => {
                if !self.escaped && c == quote {
                    self.open = None;
                }
                self.escaped = !self.escaped && c == '\\';
                true
            }
        }
    }
}

/// The summed length of the places of all values, as in `$['data']['items'][0]`.
fn places(value: &Value, own: usize) -> usize {
    /// Brackets and quotes, or brackets and the digits of an index.
    const STEP: usize = 8;
    let inside = match value {
        Value::Array(elements) => elements.iter().map(|element| places(element, own + STEP)).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(key, member)| places(member, own + STEP + key.len()))
            .sum(),
        _ => 0,
    };
    own.saturating_add(inside)
}
