//! The stored form of a secret.

use std::fmt;
use std::sync::Arc;

/// A secret as it is stored: `v1.<key id>.<base64url of nonce and ciphertext>`, and whose it is.
///
/// The ciphertext opens only for its owner, so a copy in another row or field is worthless.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    pub(super) text: Arc<str>,
    pub(super) owner: Arc<str>,
}

impl Sealed {
    /// What was stored as `text` in the field that `owner` names.
    #[must_use]
    pub fn new(text: &str, owner: &str) -> Self {
        Self {
            text: text.into(),
            owner: owner.into(),
        }
    }

    /// The id of the key that a stored text was sealed with, if it has the form of one.
    #[must_use]
    pub fn key_id(text: &str) -> Option<&str> {
        let mut parts = text.split('.');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("v1"), Some(id), Some(_), None) => Some(id),
            _ => None,
        }
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({})", self.owner)
    }
}
