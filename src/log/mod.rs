//! The commit log: one append-only log for all buses and all delivery state.
//!
//! One thread writes. It takes everything that was queued while the last sync ran, writes it at
//! once, syncs once (`fdatasync`) and only then acknowledges: what [`Log::append`] has returned
//! survives the death of the process and of the machine. Readers see durable records only.
//!
//! When the process dies, the next [`Log::open`] finds every acknowledged append and, of those
//! under way, each one whole or not at all. It tells the unfinished end of the log, which it
//! removes, from damage to acknowledged data, which it refuses with [`LogError::Corrupt`].
//!
//! The layers, lowest first:
//!
//! * `format` – the bytes of frames, records, segments and super slots; no files
//! * `files` – the file system as a trait, so that tests can lose power
//! * `segment`, `supers` – the files of a log
//! * `chain`, `scan`, `survey`, `recovery` – reading a log back and making its end durable
//! * `index`, `recent`, `dedup` – what is kept in memory about durable records
//! * `queue`, `writer`, `answer` – group commit
//! * `hole`, `quarantine`, `repair` – putting a log in order again when it is damaged
//! * `append`, `read`, `feed`, `verify`, `inspect` – what callers use
//!
//! Positions in the log are never seen outside, except in the reports of [`verify()`],
//! [`inspect()`] and [`repair()`]. The module depends on nothing else of the crate.

mod answer;
mod append;
mod chain;
mod checkpoint;
mod config;
mod damage;
mod dedup;
mod error;
mod event;
mod feed;
mod files;
mod fold;
mod format;
mod frames;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod hole;
mod ids;
mod index;
mod inspect;
mod keeper;
mod known;
mod open;
mod quarantine;
mod queue;
mod read;
mod rebuild;
mod recent;
mod recovery;
mod repair;
mod retention;
mod scan;
mod segment;
mod shared;
mod snapshot;
mod space;
mod stats;
mod supers;
mod survey;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

pub use config::{Durability, FileLayer, IsSameEvent, LogConfig, Now};
pub use damage::{Damage, MissingEvents};
pub use error::{AppendError, LogError};
pub use event::{Appended, Cause, NewEvent, StateKind, StateRecord, StoredEvent, StoredState};
pub use feed::{Durable, Feed, FeedError};
#[cfg(feature = "failpoints")]
pub(crate) use files::failpoints::reach as reach_failpoint;
pub use fold::Fact;
pub use format::frame::FrameKind;
pub use ids::{BusId, DedupKey, RouteId, dedup_key};
pub use index::Named;
pub use inspect::{FrameSummary, InspectReport, inspect};
pub use open::Log;
pub use recovery::Recovery;
pub use repair::{RepairReport, repair};
pub use retention::{Expired, Retention};
pub use snapshot::Checkpoint;
pub use stats::LogStats;
pub use verify::{BusReport, Progress, VerifyReport, verify};
