//! How answers are written: tables for people, JSON for programs.

use std::io::Write as _;

use serde::Serialize;

use super::args::Output;
use super::error::CliError;

/// Writes to stdout; a reader that has gone away ends the command quietly.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    let written = out
        .write_all(text.as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => other.map_err(|error| CliError::system("cannot write to stdout", error)),
    }
}

/// Writes one value as JSON, on one line if asked for lines.
pub(super) fn json(value: &impl Serialize, output: Output) -> Result<(), CliError> {
    let text = if output == Output::Json {
        serde_json::to_string_pretty(value)
    } else {
        serde_json::to_string(value)
    };
    print(&text.map_err(|error| CliError::system("cannot write JSON", error))?)
}

/// Writes a list: a table with a head, one document, or one document a line.
pub(super) fn list<T: Serialize, const N: usize>(
    items: &[T],
    output: Output,
    head: [&str; N],
    row: impl Fn(&T) -> [String; N],
) -> Result<(), CliError> {
    match output {
        Output::Json => json(&items, output),
        Output::Jsonl => items.iter().try_for_each(|item| json(item, output)),
        Output::Table => {
            let mut rows = vec![head.map(str::to_owned)];
            rows.extend(items.iter().map(row));
            print(&table(&rows))
        }
    }
}

fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; N]| {
        let cells: Vec<_> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["name", "n"], ["a-long-name", "1"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "name         n\na-long-name  1");
    }
}
