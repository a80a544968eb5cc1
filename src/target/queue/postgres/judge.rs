//! What an error of the server or of the connection means.

use std::time::Duration;

use tokio_postgres::Error;
use tokio_postgres::error::DbError;

use crate::target::Outcome;
use crate::target::Until;
use crate::target::queue::Trouble;

/// Long enough for somebody to make room, short enough not to fall behind when they do.
const FULL_PAUSE: Duration = Duration::from_secs(5);

/// Why a row is not in the table, or not known to be.
pub(super) fn refused(table: &str, error: &Error) -> Trouble {
    let Some(said) = error.as_db_error() else {
        return broken(error);
    };
    let code = said.code().code();
    let reason = |what: &str| format!("{what}: {} ({code})", bounded(said.message()));
    let later = |class, what: &str| Trouble::later(class, reason(what));
    let (class, _) = code.split_at_checked(2).unwrap_or_default();
    match (class, code) {
        (_, "42501") => later(
            "auth_failed",
            &format!("the user may not insert into the table `{table}`"),
        ),
        ("28", _) => later("auth_failed", "the PostgreSQL server does not let the user in").fatal(),
        (_, "42P10") => Trouble::later(
            "config_error",
            format!("the column `id` of the table `{table}` is neither its primary key nor unique ({code})"),
        ),
        // Foreign keys and columns that must not be null are as the owner has made them.
        ("42" | "3D" | "3F" | "0A", _) | (_, "23502" | "23503") => {
            later("config_error", &format!("the table `{table}` cannot take events"))
        }
        ("22" | "23", _) => Trouble::never("wrong_type", violated(table, said)),
        ("54", _) => Trouble::never(
            "too_large",
            reason(&format!("the event is too large for the table `{table}`")),
        ),
        ("53", _) => Trouble::new(
            Outcome::PauseRoute(Until::After(FULL_PAUSE)),
            "throttled",
            reason("the PostgreSQL server has no room now"),
        ),
        // The statement has had no effect: it was undone or never begun.
        (_, "57014") => later("timeout", "the PostgreSQL server took too long"),
        ("40" | "55", _) => later("nacked", &format!("the table `{table}` is in use")),
        // Another connection may reach a server that is the primary.
        (_, "25006") => later("nacked", "the PostgreSQL server takes no writes").fatal(),
        // It is stopping, perhaps in the middle of the statement.
        ("57" | "08" | "58" | "XX", _) => later("ambiguous", "the PostgreSQL server failed").fatal(),
        _ => later("nacked", &format!("the table `{table}` refuses the event")),
    }
}

/// Why there is no session.
pub(super) fn unwelcome(error: &Error) -> Trouble {
    let Some(said) = error.as_db_error() else {
        let source = std::error::Error::source(error).map_or_else(String::new, |why| format!(": {why}"));
        let trouble = if is_about_password(error) {
            Trouble::later(
                "auth_failed",
                format!("the login to the PostgreSQL server failed{source}"),
            )
        } else {
            let reason = format!("the connection to the PostgreSQL server broke before it was ready{source}");
            Trouble::later("connect_error", reason)
        };
        return trouble.fatal();
    };
    let code = said.code().code();
    let (class, _) = code.split_at_checked(2).unwrap_or_default();
    let reason = |what: &str| format!("{what}: {} ({code})", bounded(said.message()));
    let trouble = match class {
        "28" => Trouble::later(
            "auth_failed",
            format!("the PostgreSQL server does not let the user in ({code})"),
        ),
        "42" => Trouble::later("auth_failed", reason("the user may not connect to the database")),
        "3D" => Trouble::later("config_error", reason("the database is missing")),
        "53" => Trouble::later(
            "throttled",
            reason("the PostgreSQL server has no room for a connection"),
        ),
        _ => Trouble::later(
            "connect_error",
            reason("the PostgreSQL server refuses the connection"),
        ),
    };
    trouble.fatal()
}

/// Whether the client itself gave up the login: no password is given, or the server's proof is wrong.
fn is_about_password(error: &Error) -> bool {
    let text = error.to_string();
    text.contains("authentication") || text.contains("invalid configuration")
}

fn violated(table: &str, said: &DbError) -> String {
    let code = said.code().code();
    match said.constraint() {
        Some(constraint) => format!(
            "the table `{table}` refuses the event: constraint `{}` ({code})",
            bounded(constraint)
        ),
        None => format!(
            "the table `{table}` cannot hold the event: {} ({code})",
            bounded(said.message())
        ),
    }
}

fn broken(error: &Error) -> Trouble {
    // The parameters are ours and always of the right types, so the rest is the connection.
    let why = std::error::Error::source(error).map_or_else(String::new, |why| format!(": {why}"));
    let reason = format!("the connection to the PostgreSQL server ended before the answer{why}");
    Trouble::later("ambiguous", reason).fatal()
}

/// What a server says may be anything.
fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
