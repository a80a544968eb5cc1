//! From one segment to the next.

use super::Writer;
use super::pace::Pace;
use crate::log::error::LogError;
use crate::log::files::File;
use crate::log::format::frame::FrameKind;
use crate::log::format::segment::SegmentHeader;
use crate::log::format::slot::Slot;
use crate::log::index::Part;
use crate::log::segment::{self, Preparing, Segment};
use crate::log::shared::Shared;
use crate::log::snapshot::Base;
use std::sync::Arc;
use std::thread::JoinHandle;

/// The segment after the active one, on its way.
pub(super) struct Preparation {
    pace: Arc<Pace>,
    /// Joined by the writer; without a file when it was cancelled.
    thread: JoinHandle<Result<Option<Arc<dyn File>>, LogError>>,
}

impl Writer {
    /// Seals the active segment and makes the prepared one active; false when the disk has no
    /// room for one, and nothing was changed.
    ///
    /// Each step is durable before the next: seal, header of the new segment, its name, the
    /// watermark in a super slot. So a segment that is lost later is missed, and a segment that
    /// exists proves that everything before it was synced.
    pub(super) fn roll(&mut self) -> Result<bool, LogError> {
        self.settle()?;
        // The index of the segment goes with it, so it must be whole.
        self.publisher.drain()?;
        let Some(file) = self.next_file()? else {
            return Ok(false);
        };
        self.witness(FrameKind::Seal)?;
        let header = SegmentHeader {
            uuid: self.shared.uuid,
            base: self.active.end(),
            size: self.shared.config.segment_size,
        };
        let next = segment::adopt(&*self.files, &self.shared.config.dir, file, header)?;
        let sealed = std::mem::replace(&mut self.active, Arc::new(next));
        self.position = self.active.first_frame();
        self.synced = self.position;
        self.shared.segments.add(Arc::clone(&self.active));
        {
            let mut supers = self.shared.supers.lock();
            let newest = supers.newest();
            supers.write(Slot {
                watermark: self.position,
                ..newest
            })?;
        }
        self.hand_over(sealed);
        self.rows = 0;
        self.prepare_next();
        Ok(true)
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

    /// Starts to make the reserve, if it is missing, and the segment after the active one.
    pub(super) fn prepare_next(&mut self) {
        let (pace, shared) = (Arc::new(Pace::new()), Arc::clone(&self.shared));
        let its_pace = Arc::clone(&pace);
        let thread = std::thread::Builder::new()
            .name("log-prepare".to_owned())
            .spawn(move || prepare_in_step(&shared, &its_pace));
        self.prepared = thread.ok().map(|thread| Preparation { pace, thread });
        self.pace_preparation();
    }

    /// Lets the next segment get ahead of what the active one has used; starts again what failed
    /// for want of space once there is some.
    pub(super) fn pace_preparation(&mut self) {
        match &self.prepared {
            Some(preparation) if !preparation.has_failed() => {
                preparation.pace.used(self.position - self.active.base);
            }
            _ if self.shared.is_storage_full() => {}
            _ => {
                self.stop_preparing();
                self.prepare_next();
            }
        }
    }

    /// The prepared file; made now when the background could not, or else the reserve. `None` when
    /// the disk has no room and the reserve is used up.
    fn next_file(&mut self) -> Result<Option<Arc<dyn File>>, LogError> {
        if let Some(Preparation { pace, thread }) = self.prepared.take() {
            pace.hurry();
            if let Ok(Ok(Some(file))) = thread.join() {
                return Ok(Some(file));
            }
        }
        let config = &self.shared.config;
        match segment::prepare(&*self.files, &config.dir, config.segment_size) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.is_storage_full() => {
                self.shared.storage_is_full();
                segment::discard_unfinished(&*self.files, &config.dir, config.segment_size)?;
                let reserve = segment::take_reserve(&*self.files, &config.dir, config.segment_size)?;
                self.shared.reserve_is_used_up(reserve.is_none());
                Ok(reserve)
            }
            Err(error) => Err(error),
        }
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

impl Preparation {
    /// Whether it ended without a file; one that has a file waits for the writer.
    fn has_failed(&self) -> bool {
        self.pace.has_failed()
    }
}

/// Prepares the reserve and a segment no faster than `pace` allows; `None` when it is cancelled.
fn prepare_in_step(shared: &Shared, pace: &Pace) -> Result<Option<Arc<dyn File>>, LogError> {
    let prepared = segment::prepare_reserve(&*shared.files, &shared.config.dir, shared.config.segment_size)
        .and_then(|reserve| fill_in_step(reserve, pace))
        .and_then(|is_done| {
            if !is_done {
                return Ok(None);
            }
            let (dir, size) = (&shared.config.dir, shared.config.segment_size);
            let mut preparing = Preparing::start(&*shared.files, dir, segment::PREPARED, size)?;
            if !step_by_step(&mut preparing, pace)? {
                return Ok(None);
            }
            preparing.finish().map(Some)
        });
    if let Err(error) = &prepared {
        if error.is_storage_full() {
            shared.storage_is_full();
            let (dir, size) = (&shared.config.dir, shared.config.segment_size);
            segment::discard_unfinished(&*shared.files, dir, size).unwrap_or_default();
        } else {
            tracing::warn!(%error, "the next log segment cannot be prepared");
        }
        pace.fail();
    }
    prepared
}

/// Fills the reserve, if it was missing; false when it is cancelled.
fn fill_in_step(reserve: Option<Preparing>, pace: &Pace) -> Result<bool, LogError> {
    let Some(mut reserve) = reserve else {
        return Ok(true);
    };
    let is_done = step_by_step(&mut reserve, pace)?;
    if is_done {
        reserve.finish()?;
    }
    Ok(is_done)
}

fn step_by_step(preparing: &mut Preparing, pace: &Pace) -> Result<bool, LogError> {
    while preparing.left() > 0 {
        if !pace.wait(preparing.filled()) {
            return Ok(false);
        }
        preparing.step()?;
    }
    Ok(true)
}
