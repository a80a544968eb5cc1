//! The inside of `${…}`: a path or a name, and maybe a default.

use serde_json::Value;

use super::error::Reason;
use super::error::TransformError;
use super::error::suggestion;
use super::limits::Budget;
use super::path::Found;
use super::path::Path;
use super::path::Quotes;
use super::scope::Fact;
use super::scope::Scope;

/// The names that stand for something without a path.
const NAMES: [&str; 6] = ["now", "rule", "bus", "sequence", "event", "event.json"];

/// A value to be looked up.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    pub(super) source: Source,
    pub(super) default: Option<Value>,
}

/// Where the value is.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// At a path.
    Path(Path),
    /// The whole event.
    Event,
    /// It is known without a path.
    Fact(Fact),
}

impl Expression {
    /// Reads what stands between `${` and `}`.
    pub(super) fn parse(text: &str, pointer: &str) -> Result<Self, TransformError> {
        let mut quotes = Quotes::default();
        let bare = text.char_indices().filter(|&(_, c)| !quotes.inside(c));
        let marks: Vec<usize> = bare.filter(|&(_, c)| c == '?').map(|(at, _)| at).collect();
        let mark = marks.windows(2).find_map(|pair| match *pair {
            [first, second] if first + 1 == second => text.split_at_checked(first),
            _ => None,
        });
        let (source, default) = match mark {
            Some((source, default)) => (source, default.strip_prefix("??")),
            None => (text, None),
        };
        let default = default.map(serde_json::from_str).transpose().map_err(|error| {
            TransformError::new(
                pointer,
                "invalid-default",
                format!("the default of ${{{text}}} is not JSON: {error}"),
            )
            .corrected(r#"a string needs its quotes, as in ${$.data.name ?? "unknown"}"#)
        })?;
        Ok(Self {
            source: Source::parse(source.trim(), pointer)?,
            default,
        })
    }

    /// The value at a path, or the default.
    pub(super) const fn at(path: Path, default: Option<Value>) -> Self {
        Self {
            source: Source::Path(path),
            default,
        }
    }

    /// Something that is known without a path.
    pub(super) const fn known(fact: Fact) -> Self {
        Self {
            source: Source::Fact(fact),
            default: None,
        }
    }

    /// The whole event.
    pub(super) const fn event() -> Self {
        Self {
            source: Source::Event,
            default: None,
        }
    }

    /// The value for an event; null if it is missing and has no default.
    ///
    /// # Errors
    /// The reason, if the value is larger than what is left of the budget.
    pub(super) fn evaluate(&self, scope: &Scope<'_>, budget: &mut Budget) -> Result<Value, Reason> {
        let found = match &self.source {
            Source::Event => Found::One(&scope.event),
            Source::Path(path) => path.find(&scope.event)?,
            Source::Fact(fact) => {
                let value = scope.fact(*fact);
                return budget.spend(&value).map(|()| value);
            }
        };
        match found {
            Found::Missing => Ok(self.default.clone().unwrap_or_default()),
            Found::One(value) => budget.spend(value).map(|()| value.clone()),
            Found::Several(values) => {
                values.iter().try_for_each(|value| budget.spend(value))?;
                Ok(values.into_iter().cloned().collect())
            }
        }
    }
}

impl Source {
    fn parse(text: &str, pointer: &str) -> Result<Self, TransformError> {
        Ok(match text {
            "event" => Self::Event,
            "event.json" => Self::Fact(Fact::EventJson),
            "now" => Self::Fact(Fact::Now),
            "rule" => Self::Fact(Fact::Rule),
            "bus" => Self::Fact(Fact::Bus),
            "sequence" => Self::Fact(Fact::Sequence),
            path if path.starts_with('$') => Self::Path(Path::parse(path, pointer)?),
            secret if secret.starts_with("env:") || secret.starts_with("file:") => {
                return Err(TransformError::new(
                    pointer,
                    "secret-reference-not-allowed",
                    "a template cannot hold a secret: what it makes is sent and shown",
                ));
            }
            name => {
                let error = TransformError::new(
                    pointer,
                    "unknown-name",
                    format!("{name} is neither a path nor a name that templates know"),
                );
                return Err(match Path::parse(&format!("$.{name}"), pointer) {
                    Ok(_) if name.contains(['.', '[']) => error.corrected(format!("${{$.{name}}}")),
                    _ => error.corrected(suggestion(name, &NAMES, "names")),
                });
            }
        })
    }
}
