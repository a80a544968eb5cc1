//! Whether a text of some length matches some expressions, does not match others, and is none of some.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;

use super::automaton::Machine;
use super::automaton::Place;
use super::budget::Budget;
use super::patterns::Patterns;

/// Longest text that is made up.
const MAX_TEXT: u64 = 1_024;
/// Longest text that is made up if every text of its length will do.
const MAX_PLAIN: u64 = 1 << 20;
/// Most groups of characters that are told apart; `\p{L}` alone makes some hundred.
const MAX_ALPHABET: usize = 3_000;

/// What a text must be.
#[derive(Debug, Default)]
pub(super) struct TextQuery {
    pub(super) min: u64,
    pub(super) max: Option<u64>,
    /// Expressions, and whether they must match.
    pub(super) patterns: BTreeSet<(usize, bool)>,
    pub(super) excluded: BTreeSet<String>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    /// The shortest, or one of them.
    Found(String),
    Nothing,
    Unknown,
}

/// Where all machines are after some characters, and the excluded text that may be on its way.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Joint {
    places: Vec<Place>,
    prefix: Option<String>,
}

struct Search<'a> {
    query: &'a TextQuery,
    machines: Vec<(&'a Machine, bool)>,
    alphabet: Vec<char>,
    /// Where machines go, remembered: many joints share the place of one machine.
    moves: HashMap<(usize, Place, char), Place>,
}

/// Finds a text. Walks all machines at once, one length after another.
pub(super) fn find(query: &TextQuery, patterns: &Patterns, budget: &mut Budget) -> Text {
    if query.max.is_some_and(|max| max < query.min) {
        return Text::Nothing;
    }
    let is_free = |min: u64| {
        query
            .excluded
            .iter()
            .all(|text| (text.chars().count() as u64) < min)
    };
    if query.patterns.is_empty() && is_free(query.min) {
        return if query.min <= MAX_PLAIN {
            Text::Found("a".repeat(plain_len(query.min)))
        } else {
            Text::Unknown
        };
    }
    let mut machines = Vec::new();
    for (number, holds) in &query.patterns {
        if query.patterns.contains(&(*number, !holds)) {
            return Text::Nothing;
        }
        let Some(machine) = patterns.get(*number).and_then(|pattern| pattern.machine()) else {
            return Text::Unknown;
        };
        machines.push((machine, *holds));
    }
    let Some(alphabet) = alphabet(&machines, &query.excluded) else {
        return Text::Unknown;
    };
    Search {
        query,
        machines,
        alphabet,
        moves: HashMap::new(),
    }
    .run(budget)
}

impl Search<'_> {
    fn run(&mut self, budget: &mut Budget) -> Text {
        let first = Joint {
            places: self.machines.iter().map(|(machine, _)| machine.begin()).collect(),
            prefix: Some(String::new()),
        };
        let mut layer = vec![(first, String::new())];
        let mut seen: HashSet<Vec<Joint>> = HashSet::new();
        for len in 0..=MAX_TEXT {
            if len >= self.query.min {
                if let Some((_, text)) = layer.iter().find(|(joint, _)| self.accepts(joint, len == 0)) {
                    return Text::Found(text.clone());
                }
                if self.query.max == Some(len) {
                    return Text::Nothing;
                }
                // The same joints again: longer texts lead nowhere new.
                let mut joints: Vec<Joint> = layer.iter().map(|(joint, _)| joint.clone()).collect();
                joints.sort();
                if !seen.insert(joints) {
                    return Text::Nothing;
                }
            }
            match self.next(&layer, budget) {
                Some(next) => layer = next,
                None => return Text::Unknown,
            }
        }
        Text::Unknown
    }

    /// The joints one character further, each with one text that leads there; none if the budget is spent.
    fn next(&mut self, layer: &[(Joint, String)], budget: &mut Budget) -> Option<Vec<(Joint, String)>> {
        let mut next = Vec::new();
        let mut known = HashSet::new();
        for (joint, text) in layer {
            for c in self.alphabet.clone() {
                if !budget.spend(1 + self.machines.len() as u64) {
                    return None;
                }
                let joint = self.after(joint, c);
                if known.insert(joint.clone()) {
                    next.push((joint, format!("{text}{c}")));
                }
            }
        }
        Some(next)
    }

    fn after(&mut self, joint: &Joint, c: char) -> Joint {
        let mut places = Vec::with_capacity(joint.places.len());
        for (index, (place, (machine, _))) in joint.places.iter().zip(&self.machines).enumerate() {
            let after = self
                .moves
                .entry((index, place.clone(), c))
                .or_insert_with(|| machine.after(place, c));
            places.push(after.clone());
        }
        let prefix = joint.prefix.as_ref().map(|prefix| format!("{prefix}{c}"));
        let prefix = prefix.filter(|prefix| {
            let next = self.query.excluded.range::<String, _>(prefix.clone()..).next();
            next.is_some_and(|text| text.starts_with(prefix))
        });
        Joint { places, prefix }
    }

    fn accepts(&self, joint: &Joint, is_start: bool) -> bool {
        let is_excluded = joint
            .prefix
            .as_ref()
            .is_some_and(|prefix| self.query.excluded.contains(prefix));
        let mut machines = joint.places.iter().zip(&self.machines);
        !is_excluded && machines.all(|(place, (machine, holds))| machine.accepts(place, is_start) == *holds)
    }
}

fn plain_len(len: u64) -> usize {
    usize::try_from(len).unwrap_or(0)
}

/// One character for each group that no machine and no excluded text tells apart.
fn alphabet(machines: &[(&Machine, bool)], excluded: &BTreeSet<String>) -> Option<Vec<char>> {
    const SURROGATES: std::ops::Range<u32> = 0xD800..0xE000;
    let mut borders = vec![0, SURROGATES.start, SURROGATES.end, u32::from(char::MAX) + 1];
    for (machine, _) in machines {
        machine.borders(&mut borders);
    }
    let own = excluded.iter().flat_map(|text| text.chars()).map(u32::from);
    borders.extend(own.flat_map(|c| [c, c + 1]));
    borders.sort_unstable();
    borders.dedup();
    if borders.len() > MAX_ALPHABET {
        return None;
    }
    let ranges = borders.iter().zip(borders.iter().skip(1));
    let mut alphabet: Vec<char> = ranges
        .filter(|(from, _)| !SURROGATES.contains(from))
        .filter_map(|(from, to)| readable(*from, *to))
        .collect();
    alphabet.sort_by_key(|c| !c.is_ascii_graphic());
    Some(alphabet)
}

/// A character of the range that is good to read, if there is one.
fn readable(from: u32, to: u32) -> Option<char> {
    let holds = |c: &char| (from..to).contains(&u32::from(*c));
    ('a'..='z')
        .chain('0'..='9')
        .chain('A'..='Z')
        .chain('!'..='~')
        .find(holds)
        .or_else(|| char::from_u32(from))
}
