//! The tree of a YAML document with the place of every key and value.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::Map;
use serde_json::Number;
use serde_json::Value;
use serde_saphyr::Location;
use serde_saphyr::Spanned;

use crate::catalog::decode::join;
use crate::catalog::issue::Issue;

/// Line and column, from 1.
pub(super) type Spot = (u32, u32);

/// A value and where it stands.
#[derive(Debug)]
pub(super) struct Node {
    /// Where it is used: for an alias, the place of the alias.
    used: Location,
    /// Where it is written: for an alias, inside the anchor.
    written: Location,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Null,
    Bool(bool),
    /// With the value the library read, for spellings that JSON does not have.
    Number(Option<Number>),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Spanned<String>, Node)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Kind>::deserialize(deserializer)?;
        Ok(Self {
            used: spanned.referenced,
            written: spanned.defined,
            kind: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
        Ok(Kind::Number(Some(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
        Ok(Kind::Number(Some(value.into())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Kind, E> {
        Ok(Kind::Number(Number::from_f64(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Kind, E> {
        Ok(Kind::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Kind, E> {
        Ok(Kind::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Kind, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Kind::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Kind, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Kind::Map(map))
    }
}

impl Node {
    /// The value as JSON; what JSON cannot hold is reported with its place.
    pub(super) fn to_json(&self, text: &str, pointer: &str, issues: &mut Vec<(Issue, Spot)>) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Text(value) => Value::String(value.clone()),
            Kind::Number(read) => number(text, &self.written, read.as_ref()).unwrap_or_else(|| {
                let detail = "infinity and not-a-number do not exist in JSON";
                issues.push((Issue::new(pointer, "invalid-number", detail), spot(&self.used)));
                Value::Null
            }),
            Kind::List(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| item.to_json(text, &format!("{pointer}/{index}"), issues))
                .collect(),
            Kind::Map(entries) => {
                let mut seen = HashSet::with_capacity(entries.len());
                let mut map = Map::with_capacity(entries.len());
                for (key, node) in entries {
                    let at = join(pointer, &key.value);
                    if !seen.insert(key.value.as_str()) {
                        let detail = format!("the key `{}` is there twice", key.value);
                        issues.push((
                            Issue::new(at.clone(), "duplicate-key", detail),
                            spot(&key.referenced),
                        ));
                    }
                    map.insert(key.value.clone(), node.to_json(text, &at, issues));
                }
                Value::Object(map)
            }
        }
    }

    /// The place of what `pointer` names, or of the nearest thing above it that exists.
    pub(super) fn locate(&self, pointer: &str, of_key: bool) -> Spot {
        let mut node = self;
        let mut place = spot(&node.used);
        let mut steps = pointer.split('/').skip(1).peekable();
        while let Some(step) = steps.next() {
            let last = steps.peek().is_none();
            match &node.kind {
                Kind::Map(entries) => {
                    let name = step.replace("~1", "/").replace("~0", "~");
                    let Some((key, value)) = entries.iter().find(|(key, _)| key.value == name) else {
                        break;
                    };
                    node = value;
                    // An empty value has no place of its own.
                    let key_is_meant = (last && of_key) || matches!(value.kind, Kind::Null);
                    place = spot(if key_is_meant {
                        &key.referenced
                    } else {
                        &value.used
                    });
                }
                Kind::List(items) => {
                    let Some(item) = step.parse::<usize>().ok().and_then(|index| items.get(index)) else {
                        break;
                    };
                    node = item;
                    place = spot(&item.used);
                }
                _ => break,
            }
        }
        place
    }
}

impl Node {
    /// The place of a character, counted from 1, inside the text that `pointer` names.
    ///
    /// A text may be written with quotes, escapes, indentation and folded lines around its characters.
    pub(super) fn locate_character(&self, text: &str, pointer: &str, character: usize) -> Option<Spot> {
        let node = self.find(pointer)?;
        let Kind::Text(value) = &node.kind else {
            return None;
        };
        let span = node.written.span();
        let start = usize::try_from(span.byte_offset()?).ok()?;
        let end = start.checked_add(usize::try_from(span.byte_len()?).ok()?)?;
        let mut written = text.get(start..end)?.char_indices();
        let mut value = value.chars();
        let mut at = start;
        for _ in 0..character {
            // Behind the last character the place is where the text ends.
            let Some(wanted) = value.next() else {
                at = start + written.next().map_or(end - start, |(index, _)| index);
                break;
            };
            let is_same = |c: char| c == wanted || (c.is_ascii_whitespace() && wanted.is_ascii_whitespace());
            let (index, _) = written.find(|(_, c)| is_same(*c))?;
            at = start + index;
        }
        let before = text.get(..at)?;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let number = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
        let line = before.matches('\n').count();
        let column = before.get(line_start..)?.chars().count();
        Some((number(line), number(column)))
    }

    fn find(&self, pointer: &str) -> Option<&Self> {
        pointer
            .split('/')
            .skip(1)
            .try_fold(self, |node, step| match &node.kind {
                Kind::Map(entries) => {
                    let name = step.replace("~1", "/").replace("~0", "~");
                    let found = entries.iter().find(|(key, _)| key.value == name);
                    found.map(|(_, value)| value)
                }
                Kind::List(items) => items.get(step.parse::<usize>().ok()?),
                _ => None,
            })
    }
}

fn spot(location: &Location) -> Spot {
    let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).max(1);
    (number(location.line()), number(location.column()))
}

/// The number as it is written if that is JSON, else as it was read; `None` if it was neither.
fn number(text: &str, written: &Location, read: Option<&Number>) -> Option<Value> {
    let spelled = source(text, written).and_then(|source| serde_json::from_str::<Number>(source).ok());
    spelled.or_else(|| read.cloned()).map(Value::Number)
}

/// The text of a scalar that is not quoted.
fn source<'a>(text: &'a str, at: &Location) -> Option<&'a str> {
    let start = usize::try_from(at.span().byte_offset()?).ok()?;
    let end = start.checked_add(usize::try_from(at.span().byte_len()?).ok()?)?;
    text.get(start..end).map(str::trim)
}
