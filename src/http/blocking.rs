//! Work that reads the disk or takes long, off the threads that serve.

use crate::problem::Problem;

/// Runs a read where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let ended = tokio::task::spawn_blocking(read).await;
    ended.unwrap_or_else(|error| Err(super::problem::internal(&error)))
}
