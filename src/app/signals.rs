//! Waits for the signals that end the process.

use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// Returns at the first SIGTERM or SIGINT.
///
/// # Errors
/// When the system does not let signals be handled.
pub(super) async fn asked_to_stop() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
