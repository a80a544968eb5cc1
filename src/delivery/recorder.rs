//! Makes delivery records durable, with patience while the log has no room.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::log::AppendError;
use crate::log::Log;
use crate::log::StateRecord;

/// After the log had no room, which took it a second to say, it is asked again after this long.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

/// Makes records durable in one frame; waits while too much waits for the disk, until `stop`.
///
/// # Errors
/// As [`Log::record`]; [`AppendError::Overloaded`] only after `stop`.
pub(super) async fn record(
    log: &Log,
    stop: &CancellationToken,
    records: Vec<StateRecord>,
) -> Result<(), AppendError> {
    loop {
        let is_last = stop.is_cancelled();
        match log.record(records.clone()).await {
            Err(AppendError::Overloaded) if !is_last => {
                tracing::warn!("the log has no room for what became of deliveries; trying again");
            }
            written => return written,
        }
        // Cut short by the stop, after which there is one try more.
        stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
    }
}
