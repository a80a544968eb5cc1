//! The index of a log that is being opened.

use super::config::{LogConfig, Now};
use super::error::LogError;
use super::files::Files;
use super::format::body::Records;
use super::format::frame::{FrameHeader, FrameKind};
use super::index::{Index, Memory, Part};
use super::segment::Segment;
use super::snapshot::Base;
use std::sync::Arc;
use uuid::Uuid;

/// What the scan gathers: the index, one part for each segment that it read.
pub(crate) struct Rebuild {
    index: Index,
    /// Of the segments that were read to their seals, ascending.
    sealed: Vec<Memory>,
    /// Where the log ended at which time, about a second apart.
    ages: Vec<(u64, i64)>,
    now_ms: i64,
    window_ms: i64,
}

impl Rebuild {
    /// Nothing was read yet.
    pub(crate) fn new(config: &LogConfig, now: &Now) -> Self {
        Self {
            index: Index::default(),
            sealed: Vec::new(),
            ages: Vec::new(),
            now_ms: now(),
            window_ms: i64::try_from(config.dedup_window.as_millis()).unwrap_or(i64::MAX),
        }
    }

    /// Takes a frame in.
    pub(crate) fn add(&mut self, header: &FrameHeader, records: &Records<'_>) {
        self.index.add_scanned(header, records);
        let (end, at) = (header.end(), self.at(header.append_time));
        match self.ages.last_mut() {
            Some((last, since)) if at - *since < 1_000 => *last = end,
            _ => self.ages.push((end, at)),
        }
        if header.kind == FrameKind::Seal {
            self.sealed.push(self.index.take_active());
        }
    }

    /// The dedup window's clock for a frame time. A frame from a clock that was ahead counts as
    /// written now, not in the future.
    fn at(&self, time_ms: i64) -> i64 {
        time_ms.saturating_sub(self.now_ms).min(0)
    }

    /// The whole index, once all segments are known; `sealed` are those before the active one.
    ///
    /// Of the segments that were not read only those within the dedup window are looked at.
    pub(crate) fn finish(
        mut self,
        files: &Arc<dyn Files>,
        uuid: Uuid,
        sealed: &[Arc<Segment>],
        base: Option<&Base>,
    ) -> Result<Index, LogError> {
        let (unread, read) = sealed.split_at(sealed.len().saturating_sub(self.sealed.len()));
        let unread: Vec<Arc<Part>> = unread
            .iter()
            .map(|segment| Arc::new(Part::found(Arc::clone(files), uuid, Arc::clone(segment))))
            .collect();
        let mut ages = Vec::new();
        for part in unread.iter().rev() {
            let (end, time) = part.ask(|index| Ok(index.extent()))?;
            if end == 0 {
                // Nothing but padding.
                continue;
            }
            ages.push((end, self.at(time)));
            if self.at(time) < -self.window_ms {
                break;
            }
        }
        ages.reverse();
        ages.append(&mut self.ages);
        let mut index = self.index;
        for (end, at) in ages {
            index.note_age(end, at, -self.window_ms);
        }
        for part in unread {
            index.add_part(part);
        }
        for (segment, memory) in read.iter().zip(self.sealed) {
            let part = Part::sealed(Arc::clone(files), uuid, Arc::clone(segment), memory);
            index.add_part(Arc::new(part));
        }
        if let Some(base) = base {
            index.absorb(base);
        }
        Ok(index)
    }
}
