//! The one statement of a table, and its parameters.

use std::borrow::Cow;

use tokio_postgres::types::ToSql;

use crate::target::queue::Message;
use crate::target::queue::STRUCTURED;
use crate::target::queue::Trouble;

/// Longest name that the server does not cut short, in bytes.
const MAX_NAME: usize = 63;

/// A table's name as it stands in a statement.
///
/// `events`, `app.events`, or with parts in double quotes when they hold a dot. Names are taken as
/// they are written, upper and lower case too.
///
/// # Errors
/// `config_error` for what is no name.
pub(crate) fn quoted(table: &str) -> Result<String, Trouble> {
    parts(table)
        .filter(|parts| matches!(parts.len(), 1 | 2))
        .map(|parts| {
            let quoted = parts
                .iter()
                .map(|part| format!("\"{}\"", part.replace('"', "\"\"")));
            quoted.collect::<Vec<_>>().join(".")
        })
        .ok_or_else(|| {
            let shown: String = table.chars().take(128).collect();
            let reason = format!("{shown:?} is not the name of a table: `table` or `schema.table`");
            Trouble::later("config_error", reason)
        })
}

fn parts(table: &str) -> Option<Vec<String>> {
    let mut parts = Vec::with_capacity(2);
    let mut rest = table;
    loop {
        let (part, left) = if let Some(inside) = rest.strip_prefix('"') {
            quoted_part(inside)?
        } else {
            let (part, left) = rest.split_at_checked(rest.find('.').unwrap_or(rest.len()))?;
            (part.to_owned(), left)
        };
        if part.is_empty() || part.len() > MAX_NAME || part.contains('\0') || parts.len() == 2 {
            return None;
        }
        parts.push(part);
        if left.is_empty() {
            return Some(parts);
        }
        rest = left.strip_prefix('.')?;
    }
}

/// The name up to the closing quote, in which two quotes are one, and what follows.
fn quoted_part(inside: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut rest = inside;
    loop {
        let (before, after) = rest.split_once('"')?;
        part.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                part.push('"');
                rest = more;
            }
            None => return Some((part, after)),
        }
    }
}

/// Inserts one event, or nothing when it is there already.
pub(super) fn insert(quoted_table: &str) -> String {
    format!(
        r#"INSERT INTO {quoted_table} ("id", "type", "source", "subject", "time", "bus", "hops", "content_type", "attributes", "event")
VALUES ($1::text, $2::text, $3::text, $4::text, to_timestamp($5::bigint::double precision), $6::text, $7::smallint, $8::text, $9::text::json, $10::bytea)
ON CONFLICT ("id") DO NOTHING"#
    )
}

/// What one message is in the columns of the table.
#[derive(Debug)]
pub(super) struct Row<'a> {
    id: &'a str,
    kind: &'a str,
    source: &'a str,
    subject: Option<&'a str>,
    time: Option<i64>,
    bus: &'a str,
    hops: i16,
    content_type: Option<&'a str>,
    attributes: Option<String>,
    event: &'a [u8],
}

impl<'a> Row<'a> {
    pub(super) fn of(message: &'a Message<'_>) -> Self {
        Self {
            id: message.id,
            kind: message.kind,
            source: message.source,
            subject: message.subject,
            time: message.time,
            bus: message.bus,
            hops: message.hops.into(),
            content_type: match message.attributes {
                None => Some(STRUCTURED),
                Some(_) => message.content_type,
            },
            attributes: message.attributes.as_deref().map(object),
            event: &message.body,
        }
    }

    pub(super) fn parameters(&self) -> [&(dyn ToSql + Sync); 10] {
        [
            &self.id,
            &self.kind,
            &self.source,
            &self.subject,
            &self.time,
            &self.bus,
            &self.hops,
            &self.content_type,
            &self.attributes,
            &self.event,
        ]
    }
}

fn object(attributes: &[(&str, Cow<'_, str>)]) -> String {
    let pairs = attributes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), serde_json::Value::from(value.as_ref())));
    serde_json::Value::Object(pairs.collect()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_named_with_or_without_its_schema_and_nothing_else_gets_in() {
        let named = |table: &str| quoted(table).ok();
        assert_eq!(named("events").as_deref(), Some(r#""events""#));
        assert_eq!(named("App.Events").as_deref(), Some(r#""App"."Events""#));
        assert_eq!(named(r#""a.b"."c""d""#).as_deref(), Some(r#""a.b"."c""d""#));
        assert_eq!(
            named(r#"x"; DROP TABLE y"#).as_deref(),
            Some(r#""x""; DROP TABLE y""#)
        );
        assert_eq!(named("größe ✓").as_deref(), Some(r#""größe ✓""#));
        for none in [
            "",
            ".",
            "a.",
            ".a",
            "a.b.c",
            "a\0b",
            "\"",
            "\"a",
            "\"a\"b",
            "\"\"",
            &"x".repeat(64),
        ] {
            assert_eq!(named(none), None, "{none:?}");
        }
    }
}
