//! The regular expressions of `patternProperties`, each compiled once.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::Regex;
use regex::RegexBuilder;

/// The largest program that an expression may become, in bytes: names are short.
const MAX_PROGRAM: usize = 1 << 16;

/// The expressions that were asked for so far.
#[derive(Debug, Default)]
pub(super) struct Patterns(RefCell<HashMap<String, Option<Regex>>>);

impl Patterns {
    /// Whether an expression matches a name; none if it cannot be told.
    pub(super) fn matches(&self, expression: &str, name: &str) -> Option<bool> {
        let mut known = self.0.borrow_mut();
        if let Some(regex) = known.get(expression) {
            return Some(regex.as_ref()?.is_match(name));
        }
        let regex = RegexBuilder::new(expression)
            .size_limit(MAX_PROGRAM)
            .dfa_size_limit(MAX_PROGRAM)
            .build()
            .ok();
        let is_match = regex.as_ref().map(|regex| regex.is_match(name));
        known.insert(expression.to_owned(), regex);
        is_match
    }
}
