//! The strings of a field: their lengths, their format, and which there are.

use std::collections::BTreeMap;

use super::formats::Format;
use super::formats::Formats;

/// Most different strings of a field that are kept: a field with more is no choice between a few.
pub(super) const MAX_VALUES: usize = 20;
/// Longest string that is kept, in bytes.
pub(super) const MAX_VALUE: usize = 64;

/// Strings that a format must fit before it is believed.
const MIN_FOR_FORMAT: u64 = 20;
/// Strings that must be seen before they count as a choice between a few.
const MIN_FOR_ENUM: u64 = 50;
/// Most strings that there may be to choose from.
const MAX_ENUM: usize = 10;
/// How often each of them must be seen.
const MIN_OF_EACH: u64 = 3;

/// What was seen of strings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Strings {
    /// How many there were.
    pub(super) count: u64,
    /// The lengths of the shortest and the longest, in characters.
    pub(super) lengths: Option<(u64, u64)>,
    /// The first different ones, and how often each was seen.
    pub(super) values: BTreeMap<String, u64>,
    /// How many strings were none of these.
    pub(super) more: u64,
    formats: Formats,
}

impl Strings {
    /// Takes in a string.
    pub(super) fn observe(&mut self, text: &str) {
        self.count += 1;
        let len = text.chars().count() as u64;
        self.stretch(len, len);
        self.formats.observe(text);
        self.keep(text, 1);
    }

    /// Takes in all that was seen by another.
    pub(super) fn merge(&mut self, other: Self) {
        self.count += other.count;
        if let Some((min, max)) = other.lengths {
            self.stretch(min, max);
        }
        self.formats.merge(other.formats);
        self.more += other.more;
        for (text, count) in other.values {
            self.keep(&text, count);
        }
    }

    /// The format that all have, if enough were seen.
    pub(super) fn format(&self) -> Option<Format> {
        self.formats.found().filter(|_| self.count >= MIN_FOR_FORMAT)
    }

    /// The few strings that there are to choose from, if the evidence is good.
    pub(super) fn choice(&self) -> Option<impl Iterator<Item = &str>> {
        let is_choice = self.count >= MIN_FOR_ENUM
            && self.more == 0
            && self.values.len() <= MAX_ENUM
            && self.values.values().all(|count| *count >= MIN_OF_EACH);
        is_choice.then(|| self.values.keys().map(String::as_str))
    }

    fn stretch(&mut self, min: u64, max: u64) {
        let (low, high) = self.lengths.unwrap_or((min, max));
        self.lengths = Some((low.min(min), high.max(max)));
    }

    fn keep(&mut self, text: &str, count: u64) {
        if let Some(seen) = self.values.get_mut(text) {
            *seen += count;
        } else if self.values.len() < MAX_VALUES && text.len() <= MAX_VALUE {
            self.values.insert(text.to_owned(), count);
        } else {
            self.more += count;
        }
    }
}
