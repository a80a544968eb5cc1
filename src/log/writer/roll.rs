//! From one segment to the next.

use super::Writer;
use super::pace::Pace;
use crate::log::error::LogError;
use crate::log::files::{File, Files};
use crate::log::format::frame::FrameKind;
use crate::log::format::segment::SegmentHeader;
use crate::log::format::slot::Slot;
use crate::log::index::Part;
use crate::log::segment::{self, Preparing, Segment};
use crate::log::snapshot::Base;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

/// The segment after the active one, on its way.
pub(super) struct Preparation {
    pace: Arc<Pace>,
    /// Joined by the writer; without a file when it was cancelled.
    thread: JoinHandle<Result<Option<Arc<dyn File>>, LogError>>,
}

impl Writer {
    /// Seals the active segment and makes the prepared one active.
    ///
    /// Each step is durable before the next: seal, header of the new segment, its name, the
    /// watermark in a super slot. So a segment that is lost later is missed, and a segment that
    /// exists proves that everything before it was synced.
    pub(super) fn roll(&mut self) -> Result<(), LogError> {
        self.witness(FrameKind::Seal)?;
        let file = self.prepared_file()?;
        let header = SegmentHeader {
            uuid: self.shared.uuid,
            base: self.active.end(),
            size: self.shared.config.segment_size,
        };
        let next = segment::adopt(&*self.files, &self.shared.config.dir, file, header)?;
        let sealed = std::mem::replace(&mut self.active, Arc::new(next));
        self.position = self.active.first_frame();
        self.shared.segments.add(Arc::clone(&self.active));
        self.supers.write(Slot {
            watermark: self.position,
            ..self.supers.newest()
        })?;
        self.hand_over(sealed);
        self.prepare_next();
        Ok(())
    }

    /// The sealed segment's index goes to the disk, and a snapshot may be taken behind it.
    fn hand_over(&self, sealed: Arc<Segment>) {
        let shared = &self.shared;
        let part = {
            let mut index = shared.index.write();
            let memory = index.take_active();
            let part = Part::sealed(Arc::clone(&self.files), shared.uuid, sealed, memory);
            let part = Arc::new(part);
            index.add_part(Arc::clone(&part));
            part
        };
        shared.keeper.keep(part);
        let mut next: Vec<_> = self.next.iter().map(|(bus, next)| (*bus, *next)).collect();
        next.sort_unstable();
        shared.checkpoints.add(Base {
            position: self.active.base,
            time: self.time,
            open: self.open,
            salt: self.salt,
            next,
            ..Base::default()
        });
    }

    /// Starts to make the segment after the active one; a failure shows when it is needed.
    pub(super) fn prepare_next(&mut self) {
        let (files, config) = (Arc::clone(&self.files), &self.shared.config);
        let (dir, size) = (config.dir.clone(), config.segment_size);
        let pace = Arc::new(Pace::new());
        let its_pace = Arc::clone(&pace);
        let thread = std::thread::Builder::new()
            .name("log-prepare".to_owned())
            .spawn(move || prepare_in_step(&*files, &dir, size, &its_pace));
        self.prepared = thread.ok().map(|thread| Preparation { pace, thread });
        self.pace_preparation();
    }

    /// Lets the next segment get ahead of what the active one has used.
    pub(super) fn pace_preparation(&self) {
        if let Some(preparation) = &self.prepared {
            preparation.pace.used(self.position - self.active.base);
        }
    }

    /// The prepared file; made now when the background could not.
    fn prepared_file(&mut self) -> Result<Arc<dyn File>, LogError> {
        if let Some(Preparation { pace, thread }) = self.prepared.take() {
            pace.hurry();
            if let Ok(Ok(Some(file))) = thread.join() {
                return Ok(file);
            }
        }
        let config = &self.shared.config;
        segment::prepare(&*self.files, &config.dir, config.segment_size)
    }

    /// Ends what is made in the background; the half-made file is replaced at the next opening.
    pub(super) fn stop_preparing(&mut self) {
        let Some(Preparation { pace, thread }) = self.prepared.take() else {
            return;
        };
        pace.cancel();
        if let Err(_) | Ok(Err(_)) = thread.join() {
            tracing::debug!("the next log segment was not prepared");
        }
    }
}

/// Prepares a segment no faster than `pace` allows; `None` when it is cancelled.
fn prepare_in_step(
    files: &dyn Files,
    dir: &Path,
    size: u64,
    pace: &Pace,
) -> Result<Option<Arc<dyn File>>, LogError> {
    let mut preparing = Preparing::start(files, dir, size)?;
    while preparing.left() > 0 {
        if !pace.wait(preparing.filled()) {
            return Ok(None);
        }
        preparing.step()?;
    }
    preparing.finish().map(Some)
}
