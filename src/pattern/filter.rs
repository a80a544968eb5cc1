//! What a rule of any language gives to the rule set: necessary conditions, and a last word.
//!
//! An event pattern says all it wants in conditions that the set can index. Other languages say
//! more than that; they give an [`Access`], which every event that passes must meet, and a
//! [`Residual`], which is asked about the events that do. The closer the access, the fewer events
//! the residual sees:
//!
//! * `type = 'a' AND LENGTH(subject) > 3` has the access `text_in("type", ["a"])`;
//! * `type = 'a' OR source LIKE '/s%'` has `text_in("type", ["a"]).or(text_prefix("source", "/s"))`;
//! * an expression that tells nothing in advance has [`Access::always`].

use std::fmt;
use std::sync::Arc;

use super::condition::Condition;
use super::number::Number;
use super::parse::Branch;
use super::parse::Clause;
use super::parse::Pattern;
use super::view::EventView;

/// The most branches of one access; what would have more is told less exactly.
const MAX_BRANCHES: usize = 64;

/// The last word on events that meet an access.
pub trait Residual: fmt::Debug + Send + Sync {
    /// Whether the event passes. Pure; asked at most once for each event and rule.
    fn passes(&self, event: &EventView<'_>) -> bool;
}

/// Which events a rule wants, in the form that a rule set compiles.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Of these one must hold.
    pub(super) branches: Vec<Branch>,
    /// Asked when one does.
    pub(super) residual: Option<Arc<dyn Residual>>,
}

impl Filter {
    /// A filter that asks `residual` about the events that meet `access`.
    ///
    /// Every event that the residual passes must meet the access, or the rule misses it.
    #[must_use]
    pub fn guarded(access: Access, residual: Arc<dyn Residual>) -> Self {
        Self {
            branches: access.branches,
            residual: Some(residual),
        }
    }
}

impl From<Pattern> for Filter {
    fn from(pattern: Pattern) -> Self {
        Self {
            branches: pattern.branches,
            residual: None,
        }
    }
}

/// Conditions on attributes that an event must meet before a residual is asked.
///
/// Values are compared as texts: an integer by its decimal digits, a boolean as `true` or `false`.
/// All conditions are case-sensitive, and an attribute that is absent meets none of them.
#[derive(Debug, Clone)]
pub struct Access {
    pub(super) branches: Vec<Branch>,
}

impl Access {
    /// Every event.
    #[must_use]
    pub fn always() -> Self {
        Self {
            branches: vec![Branch::default()],
        }
    }

    /// No event at all.
    #[must_use]
    pub fn never() -> Self {
        Self { branches: Vec::new() }
    }

    /// The attribute is one of these texts.
    #[must_use]
    pub fn text_in(attribute: &str, texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut alternatives = Vec::new();
        for text in texts {
            let text = text.into();
            alternatives.extend(scalar(&text));
            alternatives.push(Condition::String(text));
        }
        Self::one(attribute, alternatives)
    }

    /// The attribute begins with this text.
    #[must_use]
    pub fn text_prefix(attribute: &str, prefix: &str) -> Self {
        let mut alternatives = vec![Condition::Prefix(prefix.to_owned())];
        if prefix.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
            alternatives.push(Condition::Numeric(Vec::new()));
        }
        let booleans = [true, false].into_iter();
        alternatives.extend(
            booleans
                .filter(|one| one.to_string().starts_with(prefix))
                .map(Condition::Bool),
        );
        Self::one(attribute, alternatives)
    }

    /// The attribute ends with this text.
    #[must_use]
    pub fn text_suffix(attribute: &str, suffix: &str) -> Self {
        let mut alternatives = vec![Condition::Suffix(suffix.to_owned())];
        if suffix.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
            alternatives.push(Condition::Numeric(Vec::new()));
        }
        let booleans = [true, false].into_iter();
        alternatives.extend(
            booleans
                .filter(|one| one.to_string().ends_with(suffix))
                .map(Condition::Bool),
        );
        Self::one(attribute, alternatives)
    }

    /// The event has the attribute.
    #[must_use]
    pub fn present(attribute: &str) -> Self {
        Self::one(attribute, vec![Condition::Exists])
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self.branches.len() * other.branches.len() > MAX_BRANCHES {
            // One of the two is still necessary.
            return if self.branches.len() <= other.branches.len() {
                self
            } else {
                other
            };
        }
        let mut branches = Vec::new();
        for one in &self.branches {
            branches.extend(other.branches.iter().map(|two| one.clone().and(two.clone())));
        }
        Self { branches }
    }

    /// Either.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.branches.extend(other.branches);
        if self.branches.len() > MAX_BRANCHES || self.branches.contains(&Branch::default()) {
            return Self::always();
        }
        self
    }

    fn one(attribute: &str, alternatives: Vec<Condition>) -> Self {
        let clause = Clause {
            path: attribute.to_owned(),
            pointer: String::new(),
            alternatives,
        };
        Self {
            branches: vec![Branch {
                clauses: vec![clause],
                nots: Vec::new(),
            }],
        }
    }
}

/// The integer or boolean that is written so.
fn scalar(text: &str) -> Option<Condition> {
    if let Ok(truth) = text.parse() {
        return Some(Condition::Bool(truth));
    }
    let number = text.parse::<i32>().ok()?;
    (number.to_string() == text).then(|| Condition::Number(Number::new(&number.into())))
}
