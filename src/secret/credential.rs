//! What stands in a credential field.

use super::reference::InvalidReference;
use super::reference::Reference;
use super::sealed::Sealed;
use super::value::Secret;

/// The value of a credential field; [`Vault::resolve`](super::Vault::resolve) gives the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// The value itself: just given and not stored yet, or of a field that is not secret.
    Plain(Secret),
    /// Where the value is.
    Reference(Reference),
    /// The stored form of the value.
    Sealed(Sealed),
    /// Given instead of a value: what is set already stays. Never stored.
    Kept,
}

impl Credential {
    /// Reads what somebody wrote: a reference, or the value itself.
    ///
    /// # Errors
    /// [`InvalidReference`] when the text holds a reference that cannot be used.
    pub fn parse(text: &str) -> Result<Self, InvalidReference> {
        Ok(match Reference::parse(text)? {
            Some(reference) => Self::Reference(reference),
            None => Self::Plain(Secret::new(text)),
        })
    }
}
