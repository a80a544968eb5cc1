//! What a version of a schema means for rules and events, as people read it.

use super::error::CliError;
use super::output;
use crate::api::BreakReply;
use crate::api::ViolationsReply;

/// Prints nothing if it means nothing.
pub(super) fn print(breaks: &[BreakReply], violations: &ViolationsReply) -> Result<(), CliError> {
    for one in breaks {
        output::print(&format!(
            "  breaks {}/{}{} [{}] {}",
            one.bus, one.rule, one.place, one.reason, one.detail
        ))?;
    }
    if violations.failed > 0 {
        output::print(&format!(
            "  {} of the last {} events violate it",
            violations.failed, violations.checked
        ))?;
    }
    for event in &violations.samples {
        let error = event.errors.first();
        let error = error
            .map(|error| format!("{} {}", error.pointer, error.detail))
            .unwrap_or_default();
        output::print(&format!(
            "    {}/{} {}: {error}",
            event.bus, event.sequence, event.id
        ))?;
    }
    Ok(())
}
