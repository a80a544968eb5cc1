//! What can go wrong in the log, by what the caller can do about it.

use super::damage::Damage;
use super::ids::BusId;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Why the log cannot be opened, read or closed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// Change the configuration; nothing was touched.
    #[error("the log cannot work with this configuration: {problem}")]
    InvalidConfig {
        /// Which limit does not fit.
        problem: &'static str,
    },
    /// Stop the other process, or choose another directory; nothing was touched.
    #[error("{} is in use by {}", .dir.display(), .pid.map_or("another process".to_owned(), |pid| format!("process {pid}")))]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// The process that holds it, if it said so.
        pid: Option<u32>,
    },
    /// Acknowledged data is damaged: restore or repair; nothing was changed.
    #[error("acknowledged data is damaged: {}", list(.damage))]
    Corrupt {
        /// Every damaged range, in order.
        damage: Vec<Damage>,
    },
    /// Events are lost and the log says so since it was repaired: go on behind them.
    #[error("sequences {} to {} of bus {bus} are lost", .sequences.start, .sequences.end - 1)]
    Gap {
        /// The bus.
        bus: BusId,
        /// All sequences of the gap.
        sequences: Range<u64>,
    },
    /// Retention gave the segment up while it was being read: ask again, of what is left.
    #[error("the segment was given up while it was read")]
    GivenUp,
    /// A file is not this log's: remove it or correct the directory; nothing was changed.
    #[error("{} does not belong to this log: {reason}", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: &'static str,
    },
    /// The log was written by a later version: use that one; nothing was changed.
    #[error("{} needs a later version: unknown {what}", .path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What this version does not know.
        what: &'static str,
    },
    /// A write or sync failed, so the state on disk is unknown: end the process and reopen.
    #[error("the log is closed to writes after a failed write")]
    Poisoned,
    /// The disk or the operating system said no.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl LogError {
    /// Whether there was no room on the disk.
    pub(crate) fn is_storage_full(&self) -> bool {
        matches!(self, Self::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }

    /// Gives an I/O error its place.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// Why an append was not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// Reject the request; nothing was written.
    #[error("the append encodes to {len} bytes; the limit is {max}")]
    TooLarge {
        /// Bytes it would take.
        len: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// Reject the request; nothing was written.
    #[error("the append has {count} events; the limit is {max}")]
    TooManyEvents {
        /// Events offered.
        count: usize,
        /// Events allowed.
        max: usize,
    },
    /// The caller broke the contract; nothing was written.
    #[error("the append is not valid: {0}")]
    Invalid(&'static str),
    /// Try again later; nothing was written.
    #[error("too many bytes wait for the disk")]
    Overloaded,
    /// Try again: an index or a stored event could not be read, so nobody knows whether this is a
    /// duplicate; nothing was written.
    #[error("the log cannot be read to tell duplicates")]
    LookupFailed,
    /// Try again later, when there is room on the disk; nothing was written.
    #[error("the disk is full")]
    StorageFull,
    /// It may or may not be stored: retry with the same keys after the log was reopened.
    #[error("the disk failed while the append was under way; its outcome is unknown")]
    OutcomeUnknown,
    /// An earlier append failed on disk; nothing was written and nothing will be.
    #[error("the log is closed to writes after a failed write")]
    Poisoned,
    /// The log was closed; nothing was written.
    #[error("the log is closed")]
    Closed,
}

fn list(damage: &[Damage]) -> String {
    damage
        .iter()
        .map(Damage::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
