//! A statement that both databases understand: its text and its values.

use std::borrow::Cow;
use std::fmt::Write;

use sqlx::Arguments;
use sqlx::Database;
use sqlx::Encode;
use sqlx::Type;

/// Most rows in one statement. With the widest table it stays far below the 32,766 values of
/// `SQLite` and the 65,535 of `PostgreSQL`.
pub(super) const CHUNK: usize = 500;

/// A text with `$1`, `$2`, … and the values for them.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    /// Made of constants and placeholders only.
    pub(super) text: Cow<'static, str>,
    values: Vec<Datum>,
}

/// A value in a statement.
#[derive(Debug, Clone)]
pub(super) enum Datum {
    Int(i64),
    Text(String),
    MaybeInt(Option<i64>),
    MaybeText(Option<String>),
    Bool(bool),
}

impl Statement {
    /// A statement of constant text.
    pub(super) const fn new(text: &'static str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            values: Vec::new(),
        }
    }

    /// Adds the value of the next placeholder.
    pub(super) fn bind(mut self, value: impl Into<Datum>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds ` (…)` with one placeholder and value for each of `values`, for `IN`.
    pub(super) fn list(mut self, values: impl IntoIterator<Item = Datum>) -> Self {
        self.push(" (");
        for (index, value) in values.into_iter().enumerate() {
            self.push(if index == 0 { "" } else { ", " });
            self.placeholder(value);
        }
        self.push(")");
        self
    }

    /// Adds ` (…), (…)`, one group for each of `rows`, for `VALUES`.
    pub(super) fn rows<const N: usize>(mut self, rows: impl IntoIterator<Item = [Datum; N]>) -> Self {
        for (index, row) in rows.into_iter().enumerate() {
            self.push(if index == 0 { "" } else { "," });
            self = self.list(row);
        }
        self
    }

    /// Adds constant text at the end.
    pub(super) fn then(mut self, text: &'static str) -> Self {
        self.push(text);
        self
    }

    /// Whether the text is one of few, so that keeping it prepared is worth it.
    pub(super) const fn is_constant(&self) -> bool {
        matches!(self.text, Cow::Borrowed(_))
    }

    /// The values as one database takes them.
    pub(super) fn arguments<DB: Database>(&self) -> Result<DB::Arguments, sqlx::Error>
    where
        i64: for<'q> Encode<'q, DB> + Type<DB>,
        bool: for<'q> Encode<'q, DB> + Type<DB>,
        String: for<'q> Encode<'q, DB> + Type<DB>,
        Option<i64>: for<'q> Encode<'q, DB> + Type<DB>,
        Option<String>: for<'q> Encode<'q, DB> + Type<DB>,
    {
        let mut arguments = DB::Arguments::default();
        for value in &self.values {
            match value.clone() {
                Datum::Int(value) => arguments.add(value),
                Datum::Text(value) => arguments.add(value),
                Datum::MaybeInt(value) => arguments.add(value),
                Datum::MaybeText(value) => arguments.add(value),
                Datum::Bool(value) => arguments.add(value),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(arguments)
    }

    fn push(&mut self, text: &str) {
        self.text.to_mut().push_str(text);
    }

    fn placeholder(&mut self, value: Datum) {
        self.values.push(value);
        let number = self.values.len();
        // Writing to a String cannot fail.
        write!(self.text.to_mut(), "${number}").unwrap_or_default();
    }
}

impl From<i64> for Datum {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Datum {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Datum {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<bool> for Datum {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Option<i64>> for Datum {
    fn from(value: Option<i64>) -> Self {
        Self::MaybeInt(value)
    }
}

impl From<Option<String>> for Datum {
    fn from(value: Option<String>) -> Self {
        Self::MaybeText(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered_through() {
        let one = Statement::new("SELECT 1 WHERE a = $1 AND b IN")
            .bind(7)
            .list(["x".into(), "y".into()]);
        assert_eq!(one.text, "SELECT 1 WHERE a = $1 AND b IN ($2, $3)");
        let two =
            Statement::new("INSERT INTO t VALUES").rows([[1.into(), true.into()], [2.into(), false.into()]]);
        assert_eq!(two.text, "INSERT INTO t VALUES ($1, $2), ($3, $4)");
    }
}
