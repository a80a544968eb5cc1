//! Asking before something is destroyed.

use std::io::BufRead as _;
use std::io::IsTerminal as _;

use super::error::CliError;

/// Refuses a destructive verb that nobody can be asked about.
pub(super) fn needs_terminal(verb: &str) -> Result<(), CliError> {
    if std::io::stdin().is_terminal() {
        return Ok(());
    }
    let message = format!("`{verb}` destroys something and there is no terminal to ask on: say --yes");
    Err(CliError::input(message))
}

/// Asks on the terminal; only `y` and `yes` agree.
pub(super) fn ask(question: &str) -> Result<bool, CliError> {
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| CliError::system("cannot read the answer", error))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
