//! The steps `drop` and `mask`: what becomes of the values at some places of the data.

use hmac::Hmac;
use hmac::KeyInit as _;
use hmac::Mac as _;
use serde_json::Value;
use sha2::Sha256;

use super::error::Reason;
use super::error::TransformError;
use super::error::child;
use super::error::kind;
use super::error::suggestion;
use super::path::Place;
use super::scope::Scope;

/// What stands for a masked value.
pub(super) const STARS: &str = "***";

/// Places whose values are removed.
#[derive(Debug, Clone)]
pub(super) struct Drop(Vec<Place>);

/// Places whose values are replaced.
#[derive(Debug, Clone)]
pub(super) struct Mask(Vec<(Place, With)>);

/// What a value is replaced by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum With {
    Stars,
    /// The same for the same value and key, and nothing that leads back to the value.
    Hash,
}

impl Drop {
    /// Reads the list of paths; problems are added to `errors`.
    pub(super) fn parse(value: &Value, pointer: &str, errors: &mut Vec<TransformError>) -> Self {
        let mut places = Vec::new();
        for (at, path) in list("drop", value, pointer, errors) {
            match place(path, &at) {
                Ok(place) => places.push(place),
                Err(error) => errors.push(error),
            }
        }
        // From the end of a list, so that each element is the one that its author counted.
        places.sort_unstable_by(|a, b| b.cmp(a));
        Self(places)
    }

    /// How many paths there are.
    pub(super) fn paths(&self) -> usize {
        self.0.len()
    }

    /// The places that are removed.
    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.iter()
    }

    /// Removes the values.
    pub(super) fn apply(&self, scope: &mut Scope<'_>) -> Result<(), Reason> {
        scope.edit_data(|data| {
            for place in &self.0 {
                place.remove_from(data);
            }
        })
    }
}

impl Mask {
    /// Reads the list of paths; problems are added to `errors`.
    pub(super) fn parse(value: &Value, pointer: &str, errors: &mut Vec<TransformError>) -> Self {
        let mut places = Vec::new();
        for (at, item) in list("mask", value, pointer, errors) {
            let (path, path_at, with) = match item {
                Value::Object(members) => {
                    for name in members
                        .keys()
                        .filter(|name| !matches!(name.as_str(), "path" | "with"))
                    {
                        let error = TransformError::new(
                            &child(&at, name),
                            "unknown-key",
                            format!("{name} is no key of a mask"),
                        );
                        errors.push(error.corrected(suggestion(name, &["path", "with"], "keys")));
                    }
                    let with = members
                        .get("with")
                        .map_or(Ok(With::Stars), |with| With::parse(with, &at));
                    (
                        members.get("path").unwrap_or(&Value::Null),
                        child(&at, "path"),
                        with,
                    )
                }
                path => (path, at, Ok(With::Stars)),
            };
            match (place(path, &path_at), with) {
                (Ok(place), Ok(with)) => places.push((place, with)),
                (place, with) => errors.extend(place.err().into_iter().chain(with.err())),
            }
        }
        Self(places)
    }

    /// How many paths there are.
    pub(super) fn paths(&self) -> usize {
        self.0.len()
    }

    /// The places that are masked.
    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.iter().map(|(place, _)| place)
    }

    /// Whether the key of hashes is needed.
    pub(super) fn hashes(&self) -> bool {
        self.0.iter().any(|(_, with)| *with == With::Hash)
    }

    /// Replaces the values.
    pub(super) fn apply(&self, scope: &mut Scope<'_>) -> Result<(), Reason> {
        let key = scope.mask_key();
        if self.hashes() && key.is_none() {
            return Err("TRAMLINE_SECRET_MASK, the key of hashes, is not set".to_owned());
        }
        scope.edit_data(|data| {
            for (place, with) in &self.0 {
                let replacement = |value: &Value| match with {
                    With::Stars => STARS.into(),
                    With::Hash => hash(key.unwrap_or_default(), value).into(),
                };
                place.replace_in(data, &replacement);
            }
        })
    }
}

impl With {
    fn parse(value: &Value, pointer: &str) -> Result<Self, TransformError> {
        match value.as_str() {
            Some("hash") => Ok(Self::Hash),
            Some("stars") => Ok(Self::Stars),
            _ => Err(TransformError::new(
                &child(pointer, "with"),
                "invalid-value",
                "a value is masked with `stars` or with `hash`",
            )),
        }
    }
}

/// HMAC-SHA-256 of the value as compact JSON, in hex.
fn hash(key: &[u8], value: &Value) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return STARS.to_owned();
    };
    mac.update(value.to_string().as_bytes());
    let digest = mac.finalize().into_bytes();
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// The elements of a list that may not be empty, each with its pointer.
fn list<'v>(
    step: &str,
    value: &'v Value,
    pointer: &str,
    errors: &mut Vec<TransformError>,
) -> Vec<(String, &'v Value)> {
    let Some(items) = value.as_array().filter(|items| !items.is_empty()) else {
        let error = TransformError::new(
            pointer,
            "invalid-operand",
            format!("{step} takes a list of paths"),
        );
        errors.push(error.corrected(r#"such as ["$.data.customer.email"]"#));
        return Vec::new();
    };
    let items = items.iter().enumerate();
    items
        .map(|(index, item)| (format!("{pointer}/{index}"), item))
        .collect()
}

fn place(path: &Value, pointer: &str) -> Result<Place, TransformError> {
    let text = path.as_str().ok_or_else(|| {
        let detail = format!("a path is a string, not {}", kind(path));
        TransformError::new(pointer, "invalid-path", detail)
    })?;
    Place::parse(text, pointer)
}
