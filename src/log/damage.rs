//! Damage as data: where it is and which events it cost.

use super::ids::BusId;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

/// One range of the log that was synced and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The segment file.
    pub segment: PathBuf,
    /// The damaged bytes, as positions in the log.
    pub positions: Range<u64>,
    /// What is wrong with the first of them.
    pub reason: &'static str,
    /// The sequences that are missing for it, as far as what is left can tell.
    pub missing: Vec<MissingEvents>,
}

/// Events that the log once had and cannot read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingEvents {
    /// Their bus.
    pub bus: BusId,
    /// Their sequences.
    pub sequences: Range<u64>,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.positions;
        write!(
            f,
            "{} positions {start}..{end}: {}",
            self.segment.display(),
            self.reason
        )?;
        for missing in &self.missing {
            write!(f, ", {missing}")?;
        }
        Ok(())
    }
}

impl fmt::Display for MissingEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.sequences;
        write!(f, "bus {} lacks sequences {start}..{end}", self.bus)
    }
}
