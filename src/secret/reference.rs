//! References to secrets that live outside of Tramline.

use std::fmt;

/// Where the server finds a secret when it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A variable of the server's environment.
    Env(String),
    /// A file in the directory of `--secrets-dir`.
    File(String),
}

/// A text that looks like a reference and cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a secret is named alone, as `${{env:TRAMLINE_SECRET_…}}` or as `${{file:NAME}}` for a file in --secrets-dir"
)]
pub struct InvalidReference;

/// Only variables made for this can be named: others hold what is not for targets.
const ENV_PREFIX: &str = "TRAMLINE_SECRET_";
/// Longest name of a variable or file.
const MAX_NAME_LEN: usize = 200;

impl Reference {
    /// Reads a text that is a reference and nothing else; `None` when it holds none.
    ///
    /// # Errors
    /// [`InvalidReference`] when the text holds a reference that is malformed, not alone, or names
    /// what may not be named.
    pub fn parse(text: &str) -> Result<Option<Self>, InvalidReference> {
        if !Self::is_in(text) {
            return Ok(None);
        }
        let inner = text.strip_prefix("${").and_then(|text| text.strip_suffix('}'));
        let (kind, name) = inner
            .and_then(|inner| inner.split_once(':'))
            .ok_or(InvalidReference)?;
        let is_short = (1..=MAX_NAME_LEN).contains(&name.len());
        match kind {
            "env" if is_short && is_variable(name) => Ok(Some(Self::Env(name.to_owned()))),
            "file" if is_short && is_file_name(name) => Ok(Some(Self::File(name.to_owned()))),
            _ => Err(InvalidReference),
        }
    }

    /// Whether a text holds something that begins like a reference.
    #[must_use]
    pub fn is_in(text: &str) -> bool {
        text.contains("${env:") || text.contains("${file:")
    }
}

fn is_variable(name: &str) -> bool {
    let rest = name.strip_prefix(ENV_PREFIX);
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}

/// One step of a path that does not lead out of its directory.
fn is_file_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    !name.starts_with('.') && name.bytes().all(allowed)
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "${{env:{name}}}"),
            Self::File(name) => write!(f, "${{file:{name}}}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_and_written_again() {
        for text in ["${env:TRAMLINE_SECRET_A}", "${file:crm-token}", "${file:crm.key}"] {
            let reference = Reference::parse(text).unwrap().unwrap();
            assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn what_only_looks_like_a_reference_is_refused() {
        for text in [
            "Bearer ${env:TRAMLINE_SECRET_A}",
            "${env:TRAMLINE_SECRET_A} ",
            "${env:TRAMLINE_SECRET_A",
            "${env:TRAMLINE_SECRET_}",
            "${env:TRAMLINE_SECRET_A}${env:TRAMLINE_SECRET_B}",
            "${env:HOME}",
            "${env:TRAMLINE_ENCRYPTION_KEY}",
            "${env:tramline_secret_a}",
            "${file:}",
            "${file:../etc/passwd}",
            "${file:a/b}",
            "${file:/etc/passwd}",
            "${file:..}",
            "${file:.hidden}",
        ] {
            assert_eq!(Reference::parse(text), Err(InvalidReference), "{text}");
        }
    }

    #[test]
    fn another_text_is_no_reference() {
        for text in ["", "s3cr3t", "${$.data.id}", "${rule}", "$${x}", "env:A"] {
            assert_eq!(Reference::parse(text), Ok(None), "{text}");
        }
    }
}
