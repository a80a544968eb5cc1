//! Secrets: values that never show themselves, sealed for storage and resolved when they are used.
//!
//! A credential is written in one of two ways: as a reference (`${env:…}`, `${file:…}`), which is
//! stored and shown as it is, or literally, and then only its sealed form is ever stored. A
//! [`Vault`] seals with one key and opens with that and older ones. What it seals belongs to an
//! owner, the field that it was given for: moved anywhere else it does not open.

mod credential;
mod files;
mod keys;
mod reference;
mod sealed;
mod value;
mod vault;

pub use credential::Credential;
pub use files::KeyFileError;
pub use files::create_keys;
pub use files::read_keys;
pub use keys::InvalidKeys;
pub use keys::Keys;
pub use reference::InvalidReference;
pub use reference::Reference;
pub use sealed::Sealed;
pub use value::Secret;
pub use vault::NoKey;
pub use vault::SecretError;
pub use vault::Vault;

/// The key that transforms mask values with, where the variable `TRAMLINE_SECRET_MASK` is set.
#[must_use]
pub fn mask_key() -> Option<String> {
    std::env::var("TRAMLINE_SECRET_MASK").ok()
}
