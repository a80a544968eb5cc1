//! Regular expressions that cannot take long: RE2 syntax, unanchored, linear in the text.

use std::hash::Hash;
use std::hash::Hasher;

use regex::Regex;
use regex::RegexBuilder;

/// The longest expression, in bytes.
const MAX_LEN: usize = 1024;

/// The most memory for a compiled expression and for its cache: room for Unicode classes, not for
/// repetitions of repetitions.
const MAX_SIZE: usize = 512 * 1024;

/// How deep groups may nest.
const MAX_NESTING: u32 = 32;

/// A compiled regular expression.
#[derive(Debug, Clone)]
pub(super) struct Expression(Regex);

impl Expression {
    /// Compiles an expression in bounded time and memory.
    ///
    /// # Errors
    /// Why it cannot be, in words.
    pub(super) fn parse(source: &str) -> Result<Self, String> {
        if source.len() > MAX_LEN {
            return Err(format!(
                "the expression has {} bytes; the limit is {MAX_LEN}",
                source.len()
            ));
        }
        RegexBuilder::new(source)
            .size_limit(MAX_SIZE)
            .dfa_size_limit(MAX_SIZE)
            .nest_limit(MAX_NESTING)
            .build()
            .map(Self)
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(limit) => {
                    format!("the expression compiles to more than {limit} bytes")
                }
                // The last line names the problem; those before it draw it.
                other => other
                    .to_string()
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ")
                    .to_owned(),
            })
    }

    /// As it was written.
    pub(super) fn source(&self) -> &str {
        self.0.as_str()
    }

    /// Whether the expression matches somewhere in the text.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

impl Eq for Expression {}

impl Hash for Expression {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source().hash(state);
    }
}
