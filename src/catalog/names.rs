//! The names of buses, rules, targets and event types: parsed at the edge, never checked again inside.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// A text that breaks the one rule all names obey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name has 1 to 64 characters, letters, digits, `.`, `_` and `-`, and begins with a letter or a digit"
)]
pub struct InvalidName;

/// Longest name in bytes, which are characters here.
const MAX_LEN: usize = 64;

fn check(text: &str) -> Result<(), InvalidName> {
    let first = text.bytes().next().ok_or(InvalidName)?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if first.is_ascii_alphanumeric() && text.len() <= MAX_LEN && text.bytes().all(allowed) {
        Ok(())
    } else {
        Err(InvalidName)
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Matches `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`; case matters; a clone costs a counter.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` and keeps it.
            ///
            /// # Errors
            /// [`InvalidName`] if the text breaks the rule of names.
            pub fn parse(text: &str) -> Result<Self, InvalidName> {
                check(text).map(|()| Self(Arc::from(text)))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::parse(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

name!(
    /// The name of a bus.
    BusName
);
name!(
    /// The name of a rule, unique on its bus.
    RuleName
);
name!(
    /// The name of a target, unique in its rule.
    TargetName
);
name!(
    /// The name of a connection.
    ConnectionName
);
name!(
    /// The name of a registered source, unique on its bus.
    SourceName
);

/// A text that cannot be the event type of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event type has 1 to {MAX_TYPE_LEN} bytes and no control characters")]
pub struct InvalidEventType;

/// Longest event type that can have a schema, in bytes: it is a key of a database index.
const MAX_TYPE_LEN: usize = 1024;

/// The type of events that a schema describes: the `type` of a `CloudEvent`.
///
/// 1 to 1,024 bytes without control characters; case matters; a clone costs a counter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventType(Arc<str>);

impl EventType {
    /// Checks `text` and keeps it.
    ///
    /// # Errors
    /// [`InvalidEventType`] for a text that no schema can have for a type.
    pub fn parse(text: &str) -> Result<Self, InvalidEventType> {
        if (1..=MAX_TYPE_LEN).contains(&text.len()) && !text.chars().any(char::is_control) {
            Ok(Self(Arc::from(text)))
        } else {
            Err(InvalidEventType)
        }
    }

    /// The type as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Hashes and compares as its text does.
impl Borrow<str> for EventType {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Default for BusName {
    /// The bus `default`, which always exists.
    fn default() -> Self {
        Self(Arc::from("default"))
    }
}

impl BusName {
    const SYSTEM: &str = "system";

    /// The bus `system`, which always exists: the server tells there what happens to deliveries.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::from(Self::SYSTEM))
    }

    /// Whether it is the bus `system`.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.as_str() == Self::SYSTEM
    }

    /// Whether the bus cannot be deleted.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.is_system() || *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_obey_the_rule() {
        for good in ["a", "0", "big-orders", "A.b_c-9", &"x".repeat(64)] {
            assert_eq!(RuleName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", ".a", "_a", "a b", "a/b", "ä", "a\n", &"x".repeat(65)] {
            assert_eq!(RuleName::parse(bad), Err(InvalidName), "{bad:?}");
        }
    }

    #[test]
    fn the_buses_that_always_exist_have_valid_names() {
        assert_eq!(BusName::parse("default"), Ok(BusName::default()));
        assert_eq!(BusName::parse("system"), Ok(BusName::system()));
    }
}
