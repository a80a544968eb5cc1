//! Wildcards: `*` stands for any run of characters, also none.

/// A wildcard pattern, anchored at both ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Glob {
    /// As it was written.
    source: String,
    /// What stands between the stars, unescaped; one part is a pattern without stars.
    parts: Vec<String>,
}

/// Why a text is no wildcard pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GlobError {
    /// Two stars in a row.
    Stars,
    /// A backslash that escapes neither a star nor a backslash.
    Escape,
}

impl Glob {
    /// Reads a pattern; `\*` and `\\` are a star and a backslash.
    pub(super) fn parse(source: &str) -> Result<Self, GlobError> {
        let mut parts = vec![String::new()];
        let mut after_star = false;
        let mut chars = source.chars();
        while let Some(c) = chars.next() {
            if c == '*' {
                if after_star {
                    return Err(GlobError::Stars);
                }
                after_star = true;
                parts.push(String::new());
                continue;
            }
            after_star = false;
            let literal = match c {
                '\\' => chars
                    .next()
                    .filter(|escaped| matches!(escaped, '*' | '\\'))
                    .ok_or(GlobError::Escape)?,
                other => other,
            };
            if let Some(part) = parts.last_mut() {
                part.push(literal);
            }
        }
        Ok(Self {
            source: source.to_owned(),
            parts,
        })
    }

    /// As it was written.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// How many stars it has.
    pub(super) fn stars(&self) -> usize {
        self.parts.len() - 1
    }

    /// The longest text that every match contains.
    pub(super) fn longest_literal(&self) -> &str {
        self.parts
            .iter()
            .max_by_key(|part| part.len())
            .map_or("", String::as_str)
    }

    /// Whether all of the text matches. Linear in the text, times the stars at worst.
    pub(super) fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.parts.as_slice() else {
            return self.parts.first().is_some_and(|only| only == text);
        };
        let Some(mut rest) = text
            .strip_prefix(first.as_str())
            .and_then(|rest| rest.strip_suffix(last.as_str()))
        else {
            return false;
        };
        // The leftmost place of each part leaves the most room for those after it.
        for part in middle {
            let Some(at) = memchr::memmem::find(rest.as_bytes(), part.as_bytes()) else {
                return false;
            };
            rest = rest.get(at + part.len()..).unwrap_or_default();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_overlap() {
        let glob = Glob::parse("ab*ba").unwrap();
        assert!(!glob.matches("aba"));
        assert!(glob.matches("abba"));
        assert!(!Glob::parse("*aa*aa*").unwrap().matches("xaaax"));
    }

    #[test]
    fn escapes_are_literal() {
        let glob = Glob::parse(r"a\*b\\*").unwrap();
        assert!(glob.matches(r"a*b\"));
        assert!(!glob.matches(r"axb\"));
        assert_eq!(Glob::parse(r"a\b"), Err(GlobError::Escape));
        assert_eq!(Glob::parse(r"a\"), Err(GlobError::Escape));
        assert_eq!(Glob::parse("a**"), Err(GlobError::Stars));
        assert!(Glob::parse(r"*\**").is_ok());
    }
}
