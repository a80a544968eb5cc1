//! The regular expressions of both schemas, each compiled once.

use std::collections::HashMap;

use regex::Regex;
use regex::RegexBuilder;

use super::automaton::Machine;
use crate::schema::validator::MAX_PATTERN_PROGRAM;

/// One regular expression, searched anywhere in a text.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: Regex,
    /// For statements about all texts; none if it uses what the machine does not know.
    machine: Option<Machine>,
}

impl Pattern {
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    pub(super) fn machine(&self) -> Option<&Machine> {
        self.machine.as_ref()
    }
}

/// Patterns by number.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    all: Vec<Pattern>,
    numbers: HashMap<String, usize>,
}

impl Patterns {
    /// The number of a pattern; none if the linear-time engine cannot compile it.
    pub(super) fn add(&mut self, source: &str) -> Option<usize> {
        if let Some(number) = self.numbers.get(source) {
            return Some(*number);
        }
        let translated = jsonschema_regex::to_rust_regex(source).ok()?;
        let regex = RegexBuilder::new(&translated)
            .size_limit(MAX_PATTERN_PROGRAM)
            .dfa_size_limit(MAX_PATTERN_PROGRAM)
            .build()
            .ok()?;
        let machine = Machine::read(&translated);
        self.all.push(Pattern { regex, machine });
        self.numbers.insert(source.to_owned(), self.all.len() - 1);
        Some(self.all.len() - 1)
    }

    pub(super) fn get(&self, number: usize) -> Option<&Pattern> {
        self.all.get(number)
    }

    /// Whether the pattern is found in the text.
    pub(super) fn matches(&self, number: usize, text: &str) -> bool {
        self.get(number).is_some_and(|pattern| pattern.is_match(text))
    }
}
