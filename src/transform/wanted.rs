//! One pass over the text of JSON that finds the values at some plain paths and keeps nothing else.

use std::cmp::Ordering;
use std::fmt;

use serde::Deserialize as _;
use serde::Deserializer;
use serde::de::DeserializeSeed;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::value::RawValue;

use super::path::Step;

/// Levels of JSON that reading a value surely accepts; ignoring one knows no limit.
const SURE_DEPTH: usize = 120;

/// Paths, none of them the beginning of another, as a tree.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    /// The value here, and its number.
    Here(usize),
    /// Values below, ordered by the step that leads to them.
    Below(Vec<(Step, Wanted)>),
}

impl Wanted {
    /// One path; its value has this number.
    pub(super) fn of(path: &[Step], number: usize) -> Self {
        match path.split_first() {
            None => Self::Here(number),
            Some((step, rest)) => Self::Below(vec![(step.clone(), Self::of(rest, number))]),
        }
    }

    /// One path more, unless it and another begin alike to the end of one.
    pub(super) fn add(&mut self, path: &[Step], number: usize) -> Option<()> {
        let (Self::Below(next), Some((step, rest))) = (self, path.split_first()) else {
            return None;
        };
        match next.binary_search_by(|(own, _)| own.cmp(step)) {
            Ok(at) => next.get_mut(at)?.1.add(rest, number),
            Err(at) => {
                next.insert(at, (step.clone(), Self::of(rest, number)));
                Some(())
            }
        }
    }

    /// The text of each of so many values; of a key that repeats, the last counts.
    ///
    /// `None` if the text is not JSON, or if reading all of it into a value might not find the same.
    pub(super) fn find<'d>(&self, count: usize, text: &'d str) -> Option<Vec<Option<&'d str>>> {
        if !is_read_as_it_is_ignored(text) {
            return None;
        }
        let mut found = vec![None; count];
        let mut reader = serde_json::Deserializer::from_str(text);
        let visit = Visit {
            wanted: self,
            found: &mut found,
        };
        visit.deserialize(&mut reader).ok()?;
        reader.end().ok()?;
        Some(found)
    }

    fn below(&self, order: impl Fn(&Step) -> Ordering) -> Option<&Self> {
        let Self::Below(next) = self else { return None };
        let at = next.binary_search_by(|(own, _)| order(own)).ok()?;
        next.get(at).map(|(_, wanted)| wanted)
    }

    fn member(&self, name: &str) -> Option<&Self> {
        self.below(|own| match own {
            Step::Member(own) => own.as_str().cmp(name),
            Step::Element(_) => Ordering::Greater,
        })
    }

    fn element(&self, index: usize) -> Option<&Self> {
        self.below(|own| own.cmp(&Step::Element(index)))
    }

    fn forget(&self, found: &mut [Option<&str>]) {
        match self {
            Self::Here(number) => found.get_mut(*number).into_iter().for_each(|one| *one = None),
            Self::Below(next) => next.iter().for_each(|(_, wanted)| wanted.forget(found)),
        }
    }
}

/// Whether text that can be ignored as JSON can also be read into a value, which refuses deep nesting
/// and halves of surrogate pairs, and gives names of its own library a meaning.
fn is_read_as_it_is_ignored(text: &str) -> bool {
    let open = text.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count();
    let mut marks = memchr::memchr2_iter(b'\\', b'$', text.as_bytes());
    marks.all(|at| match text.as_bytes().get(at..) {
        Some([b'\\', b'u', b'd' | b'D', ..] | [b'\\', b'u', b'0', b'0', b'0'..=b'7', ..]) => false,
        rest => !rest.is_some_and(|rest| rest.starts_with(b"$serde_json::")),
    }) && (open <= SURE_DEPTH || depth(text) <= SURE_DEPTH)
}

/// How deep JSON nests.
fn depth(text: &str) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    let (mut is_inside, mut is_escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_inside = !is_inside,
            b'{' | b'[' if !is_inside => {
                now += 1;
                most = most.max(now);
            }
            b'}' | b']' if !is_inside => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// Where the pass is.
struct Visit<'w, 'f, 'd> {
    wanted: &'w Wanted,
    found: &'f mut [Option<&'d str>],
}

impl<'de> DeserializeSeed<'de> for Visit<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        let Wanted::Here(number) = self.wanted else {
            return reader.deserialize_any(self);
        };
        let value = <&RawValue>::deserialize(reader)?;
        if let Some(one) = self.found.get_mut(*number) {
            *one = Some(value.get());
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Visit<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(next) = members.next_key_seed(Name(self.wanted))? {
            let Some(wanted) = next else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            wanted.forget(self.found);
            members.next_value_seed(Visit {
                wanted,
                found: self.found,
            })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        for index in 0.. {
            let visited = match self.wanted.element(index) {
                Some(wanted) => elements.next_element_seed(Visit {
                    wanted,
                    found: self.found,
                })?,
                None => elements.next_element::<IgnoredAny>()?.map(drop),
            };
            if visited.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// The name of a member, and where it leads.
struct Name<'w>(&'w Wanted);

impl<'de, 'w> DeserializeSeed<'de> for Name<'w> {
    type Value = Option<&'w Wanted>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'w> Visitor<'_> for Name<'w> {
    type Value = Option<&'w Wanted>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.member(name))
    }
}
