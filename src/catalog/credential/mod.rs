//! Credential fields in documents: where they are, how they are read, stored and shown.
//!
//! A document is JSON as somebody gave it, and it is stored as JSON. Of its credential fields a
//! reference is stored as it is; a literal value is replaced by `{"sealed": "…"}` before anything
//! is planned or stored, so no document that is kept holds a secret in the clear. What a field is
//! sealed for, its owner, is never stored: it follows from where the document is.

mod decode;
mod places;
mod stored;
pub(super) mod userinfo;

pub(super) use decode::decode;
pub(super) use decode::decode_map;
pub(super) use places::Place;
pub(super) use places::of_connection;
pub(super) use places::of_rule;
pub(super) use stored::Before;
pub(super) use stored::HIDDEN;
pub(super) use stored::complete;
pub(super) use stored::key_ids;
pub(super) use stored::refuse_stored_forms;
pub(super) use stored::seal;
pub(super) use stored::set;
pub(super) use stored::shown;
pub(super) use stored::with_owners;
