//! Where versions of schemas are found: the URLs by which documents and events name them.

use std::fmt::Write as _;

use percent_encoding::percent_decode_str;

use crate::catalog::names::EventType;

/// What stands before the path of a reference inside a document that names no base of its own.
pub(super) const DOCUMENT_BASE: &str = "json-schema://";

/// The addresses under which this server is known.
#[derive(Debug, Clone, Default)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Addresses with scheme and authority, and a path if the server is found below one.
    #[must_use]
    pub fn new(addresses: impl IntoIterator<Item = String>) -> Self {
        let addresses = addresses.into_iter();
        Self(
            addresses
                .map(|address| address.trim_end_matches('/').to_owned())
                .collect(),
        )
    }

    /// The version that a URL names, if it is one of this server's.
    #[must_use]
    pub fn version_at(&self, url: &str) -> Option<(EventType, u32)> {
        let known = self.0.iter().map(String::as_str).chain([DOCUMENT_BASE]);
        known
            .filter_map(|origin| url.strip_prefix(origin))
            .find_map(version_of_path)
    }
}

/// The version that a URL of any server names; for what was accepted under the addresses of then.
pub(super) fn version_anywhere(url: &str) -> Option<(EventType, u32)> {
    let start = url.rfind("/v1/schemas/")?;
    version_of_path(url.get(start..)?)
}

fn version_of_path(path: &str) -> Option<(EventType, u32)> {
    let rest = path.strip_prefix("/v1/schemas/")?;
    let (kind, number) = rest.split_once("/versions/")?;
    if kind.contains('/') || number.starts_with('0') || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kind = percent_decode_str(kind).decode_utf8().ok()?;
    Some((EventType::parse(&kind).ok()?, number.parse().ok()?))
}

/// The path of a version: the URL of the document without the server.
#[must_use]
pub fn version_path(kind: &str, number: u32) -> String {
    let mut path = String::from("/v1/schemas/");
    for byte in kind.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            write!(path, "%{byte:02X}").unwrap_or_default();
        }
    }
    write!(path, "/versions/{number}").unwrap_or_default();
    path
}
