//! Makes delivery records durable, with patience while the log has no room.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::failpoint;
use crate::log::AppendError;
use crate::log::Log;
use crate::log::StateRecord;

/// After the log had no room, which took it a second to say, it is asked again after this long.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

/// Makes records durable in one frame; waits while the log has no room, until `stop`.
///
/// # Errors
/// As [`patiently`].
pub(super) async fn record(
    log: &Log,
    stop: &CancellationToken,
    records: Vec<StateRecord>,
) -> Result<(), AppendError> {
    let reached = failpoint::step_of(&records);
    failpoint::around(reached, patiently(stop, || log.record(records.clone()))).await
}

/// Writes until it is written; waits while too much waits for the disk or the disk is full.
///
/// # Errors
/// Those that waiting does not mend; [`AppendError::Overloaded`] and
/// [`AppendError::StorageFull`] only after `stop`.
pub(super) async fn patiently<W, T>(stop: &CancellationToken, write: impl Fn() -> W) -> Result<T, AppendError>
where
    W: Future<Output = Result<T, AppendError>>,
{
    loop {
        let is_last = stop.is_cancelled();
        match write().await {
            Err(error @ (AppendError::Overloaded | AppendError::StorageFull)) if !is_last => {
                tracing::warn!(%error, "what became of a delivery cannot be recorded; trying again");
            }
            written => return written,
        }
        // Cut short by the stop, after which there is one try more.
        stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
    }
}
