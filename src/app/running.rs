//! What start-up has brought up so far, so that it can be stopped in order however far that was.

use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::delivery::Engine;
use crate::log::Log;
use crate::problem::chain;
use crate::routing::Control;

/// Everything but the end of the log is stopped within this time: supervisors commonly wait 30 s
/// before they kill.
const STOP_LIMIT: Duration = Duration::from_secs(25);

/// The services that must be stopped, as they come up.
#[derive(Default)]
pub(super) struct Running {
    /// The log.
    pub(super) log: OnceLock<Log>,
    /// The log of dead letters.
    pub(super) letters: OnceLock<Log>,
    /// Changes the catalog.
    pub(super) control: OnceLock<Arc<Control>>,
    /// Delivers; the last to come up.
    pub(super) engine: OnceLock<Engine>,
}

impl Running {
    /// Waits for `tasks` and stops what runs, all at once and within a bound, so that a database
    /// that hangs does not keep deliveries from being recorded. Then closes the log.
    pub(super) async fn stop(&self, tasks: &TaskTracker) {
        let control = async {
            if let Some(control) = self.control.get() {
                control.stop().await;
            }
        };
        let engine = async {
            if let Some(engine) = self.engine.get() {
                engine.stop().await;
            }
        };
        tasks.close();
        let all = async { tokio::join!(tasks.wait(), control, engine) };
        if tokio::time::timeout(STOP_LIMIT, all).await.is_err() {
            tracing::warn!("what did not stop in time is cut off");
        }
        for log in [&self.letters, &self.log].into_iter().filter_map(OnceLock::get) {
            close(log.clone()).await;
        }
    }
}

/// The writer marks and syncs; blocking, and nothing else is left to run.
async fn close(log: Log) {
    match tokio::task::spawn_blocking(move || log.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::error!(
                error = chain(&error),
                "the log was not closed in order; the next start recovers it"
            );
        }
        Err(error) => tracing::error!(%error, "the log was not closed"),
    }
}
