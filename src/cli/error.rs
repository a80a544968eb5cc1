//! How a command fails: one message with its last cause, and an exit code.

use std::process::ExitCode;

use crate::problem::Problem;
use crate::problem::chain;

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub(super) struct CliError {
    message: String,
    code: u8,
}

impl CliError {
    /// The input is invalid.
    pub(super) fn input(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 2,
        }
    }

    /// What the command is about is not there.
    pub(super) fn not_found(message: String) -> Self {
        Self { message, code: 5 }
    }

    /// The machine did not do its part.
    pub(super) fn system(doing: &str, error: impl std::error::Error + 'static) -> Self {
        Self {
            message: format!("{doing}: {}", chain(&error)),
            code: 1,
        }
    }

    /// The server cannot be reached.
    pub(super) fn unreachable(url: &str, error: &reqwest::Error) -> Self {
        let cause = deepest(error);
        Self {
            message: format!("cannot reach the server at {url}: {cause}; is it running? (--url says where)"),
            code: 3,
        }
    }

    /// The server refused.
    pub(super) fn refused(problem: &Problem) -> Self {
        let mut message = format!("{} ({})", problem.detail, problem.code);
        for fault in &problem.errors {
            let place = match (fault.line, fault.column) {
                (Some(line), Some(column)) => format!("{line}:{column}"),
                _ => fault.pointer.clone().unwrap_or_default(),
            };
            message = format!("{message}\n  {place} [{}] {}", fault.code, fault.detail);
        }
        let code = match problem.status {
            400 | 413 | 415 | 422 => 2,
            401 | 403 => 4,
            404 => 5,
            409 | 412 => 6,
            _ => 1,
        };
        Self { message, code }
    }

    /// A failure of another module, with the code of its kind.
    pub(super) fn of(error: &(dyn std::error::Error + 'static), is_input: bool) -> Self {
        Self {
            message: chain(error),
            code: if is_input { 2 } else { 1 },
        }
    }

    /// Whether the same command may work later: the server was not reached, or not ready.
    pub(super) const fn may_pass(&self) -> bool {
        matches!(self.code, 1 | 3)
    }

    /// Says what went wrong and gives the exit code.
    pub(super) fn report(&self) -> ExitCode {
        eprintln!("tramline: {}", self.message);
        ExitCode::from(self.code)
    }
}

fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(inner) = last.source() {
        last = inner;
    }
    last.to_string()
}
