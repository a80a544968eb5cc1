//! What the operator chooses about the log.

use super::error::LogError;
use super::format::{MAX_BODY, SEAL_ROOM, SEGMENT_HEADER_LEN};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The wall clock, in Unix milliseconds; it may jump, frame times do not follow it back.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Whether two events of one key are the same event, told by their attributes in the caller's encoding.
pub type IsSameEvent = fn(&[u8], &[u8]) -> bool;

/// When an append is acknowledged. What is read, fed and delivered was synced in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// After the sync: an acknowledged event survives the loss of power.
    Always,
    /// After the write: a loss of power may cost what was acknowledged within so long.
    Interval(Duration),
}

/// How segment files come to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileLayer {
    /// Filled with zeros ahead: a sync writes data only, and a full disk is noticed before the log is touched.
    Prepared,
    /// Extended as they are written, to be measured beside the other: a full disk ends the log.
    Plain,
}

/// Where the log lives and what bounds it.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// The data directory; created when absent. One process at a time.
    pub dir: PathBuf,
    /// Bytes of one segment file; a change applies from the next segment on.
    pub segment_size: u64,
    /// Largest encoded body of one append; a larger one is refused.
    pub max_body: usize,
    /// Encoded bytes that may wait for the disk at once.
    pub admission_bytes: usize,
    /// What an acknowledgement says.
    pub durability: Durability,
    /// How segment files come to be.
    pub file_layer: FileLayer,
    /// How long an append waits for room among them before it is refused.
    pub admission_wait: Duration,
    /// Rows after which the index of a segment is full and the segment is sealed, however small.
    pub max_index_entries: usize,
    /// How long an event is remembered so that its copy is recognised.
    pub dedup_window: Duration,
    /// How many events of one bus are remembered at most.
    pub dedup_max_events: usize,
    /// Asked before an event counts as a copy of one with the same key: a key is a hash and may be
    /// that of another event. What is not the same is stored.
    pub is_same_event: IsSameEvent,
}

impl LogConfig {
    /// The defaults for a log in `dir`.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            segment_size: 128 << 20,
            max_body: MAX_BODY,
            admission_bytes: 64 << 20,
            durability: Durability::Always,
            file_layer: FileLayer::Prepared,
            admission_wait: Duration::from_secs(1),
            max_index_entries: 4_000_000,
            dedup_window: Duration::from_mins(10),
            dedup_max_events: 4_000_000,
            is_same_event: |stored, offered| stored == offered,
        }
    }

    /// Refuses limits that would break the format.
    ///
    /// # Errors
    /// [`LogError::InvalidConfig`]; nothing was touched.
    pub(crate) fn check(&self) -> Result<(), LogError> {
        let problem = if self.segment_size < 64 << 10 {
            "the segment size is below 64 KiB"
        } else if !self.segment_size.is_multiple_of(SEGMENT_HEADER_LEN) {
            "the segment size is not a multiple of 4 KiB"
        } else if self.segment_size > 1 << 40 {
            "the segment size is above 1 TiB"
        } else if self.max_body > MAX_BODY {
            "the largest body is above 16 MiB"
        } else if self.max_body as u64 > self.segment_size / 4 {
            "the largest body is above a quarter of a segment"
        } else if self.max_body < SEAL_ROOM {
            "the largest body is below 80 bytes"
        } else if self.admission_bytes == 0 || self.admission_bytes > 1 << 30 {
            "the admission limit is not between 1 byte and 1 GiB"
        } else {
            return Ok(());
        };
        Err(LogError::InvalidConfig { problem })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_accepted_and_limits_that_break_the_format_are_not() {
        assert!(LogConfig::new("x").check().is_ok());
        for (segment_size, max_body) in [
            (32 << 10, 1024),
            (65_537, 1024),
            (65_536, 16_385),
            (128 << 20, (16 << 20) + 1),
        ] {
            let config = LogConfig {
                segment_size,
                max_body,
                ..LogConfig::new("x")
            };
            assert!(
                matches!(config.check(), Err(LogError::InvalidConfig { .. })),
                "{segment_size} {max_body}"
            );
        }
    }
}
