//! How answers are written: tables for people, JSON and YAML for programs.

use std::io::Write as _;

use serde::Serialize;

use super::args::Output;
use super::error::CliError;
use super::yaml::to_yaml;

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

/// Writes one value as JSON, on one line if asked for lines, or as a YAML document.
pub(super) fn json(value: &impl Serialize, output: Output) -> Result<(), CliError> {
    let text = match output {
        Output::Json => serde_json::to_string_pretty(value),
        Output::Yaml => return print(&format!("---\n{}", to_yaml(&tree(value)?))),
        Output::Jsonl | Output::Table => serde_json::to_string(value),
    };
    print(&text.map_err(|error| CliError::system("cannot write JSON", error))?)
}

/// The value with its numbers as they were written.
fn tree(value: &impl Serialize) -> Result<serde_json::Value, CliError> {
    let text = serde_json::to_string(value);
    text.and_then(|text| serde_json::from_str(&text))
        .map_err(|error| CliError::system("cannot write YAML", error))
}

/// Writes a list: a table with a head, one document, or one document a line.
pub(super) fn list<T: Serialize, const N: usize>(
    items: &[T],
    output: Output,
    head: [&str; N],
    row: impl Fn(&T) -> [String; N],
) -> Result<(), CliError> {
    match output {
        Output::Json | Output::Yaml => json(&items, output),
        Output::Jsonl => items.iter().try_for_each(|item| json(item, output)),
        Output::Table => {
            let mut rows = vec![head.map(str::to_owned)];
            rows.extend(items.iter().map(row));
            print(&table(&rows))
        }
    }
}

/// A list that is written as it comes: its columns have widths of their own, and nothing is kept.
pub(super) struct Rows<const N: usize> {
    output: Output,
    widths: [usize; N],
    /// What stands before the first item, until it is written.
    head: Option<String>,
    /// The last item of a document, until it is known whether a comma follows.
    last: Option<String>,
    is_empty: bool,
}

impl<const N: usize> Rows<N> {
    /// A list with columns of these heads and widths.
    pub(super) fn new(output: Output, columns: [(&str, usize); N]) -> Self {
        let widths = columns.map(|(_, width)| width);
        let head = match output {
            Output::Json => Some("[".to_owned()),
            Output::Yaml => Some("---".to_owned()),
            Output::Jsonl => None,
            Output::Table => Some(line(&columns.map(|(head, _)| head.to_owned()), widths)),
        };
        Self {
            output,
            widths,
            head,
            last: None,
            is_empty: true,
        }
    }

    /// Writes one item.
    pub(super) fn add(&mut self, item: &impl Serialize, cells: &[String; N]) -> Result<(), CliError> {
        if let Some(head) = self.head.take() {
            print(&head)?;
        }
        match self.output {
            Output::Json => {
                let text = serde_json::to_string(item);
                let text = text.map_err(|error| CliError::system("cannot write JSON", error))?;
                match self.last.replace(text) {
                    Some(before) => print(&format!("  {before},")),
                    None => Ok(()),
                }
            }
            Output::Jsonl => json(item, self.output),
            Output::Yaml => {
                self.is_empty = false;
                print(&to_yaml(&serde_json::Value::from(vec![tree(item)?])))
            }
            Output::Table => print(&line(cells, self.widths)),
        }
    }

    /// Ends the list.
    pub(super) fn end(mut self) -> Result<(), CliError> {
        if let Some(head) = self.head.take() {
            print(&head)?;
        }
        if let Some(last) = self.last {
            print(&format!("  {last}"))?;
        }
        match self.output {
            Output::Json => print("]"),
            Output::Yaml if self.is_empty => print("[]"),
            _ => Ok(()),
        }
    }
}

fn line<const N: usize>(row: &[String; N], widths: [usize; N]) -> String {
    let cells: Vec<_> = row
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell:width$}"))
        .collect();
    cells.join("  ").trim_end().to_owned()
}

fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    rows.iter()
        .map(|row| line(row, widths))
        .collect::<Vec<_>>()
        .join("\n")
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
