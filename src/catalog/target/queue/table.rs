//! Names of tables, which are written into a statement and so must be names and nothing else.

use std::fmt;

use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::issue::Issue;

/// Longest name that PostgreSQL keeps whole.
const MAX_LEN: usize = 63;

/// A table, maybe with its schema. Letters, digits and `_` only, so that quoting cannot go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    schema: Option<String>,
    table: String,
}

impl TableName {
    /// Reads `table` or `schema.table`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (schema, table) = match text.split_once('.') {
            Some((schema, table)) => (Some(schema), table),
            None => (None, text),
        };
        let is_name = |name: &str| {
            (1..=MAX_LEN).contains(&name.len())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && !name.starts_with(|c: char| c.is_ascii_digit())
        };
        (is_name(table) && schema.is_none_or(is_name)).then(|| Self {
            schema: schema.map(str::to_owned),
            table: table.to_owned(),
        })
    }

    pub(super) fn decode(fields: &Fields<'_>, issues: &mut Issues) -> Option<Self> {
        fields.required("table", "table: events", issues)?;
        let name = Self::parse(fields.text("table", issues)?);
        if name.is_none() {
            let detail = "`table` is `table` or `schema.table`, of letters, digits and `_`";
            issues.push(Issue::new(fields.at("table"), "invalid-name", detail));
        }
        name
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_a_name_and_nothing_else() {
        let read = |text| TableName::parse(text).map(|name| name.to_string());
        assert_eq!(read("events").as_deref(), Some("events"));
        assert_eq!(read("shop.Events_2").as_deref(), Some("shop.Events_2"));
        for text in [
            "",
            ".",
            "a.",
            ".a",
            "a.b.c",
            "a b",
            "a\"b",
            "a;--",
            "1a",
            "ä",
            &"x".repeat(64),
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
