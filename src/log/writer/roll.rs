//! From one segment to the next.

use super::Writer;
use crate::log::error::LogError;
use crate::log::files::File;
use crate::log::format::frame::FrameKind;
use crate::log::format::segment::SegmentHeader;
use crate::log::format::slot::Slot;
use crate::log::segment;
use std::sync::Arc;
use std::thread::JoinHandle;

/// A segment being filled with zeros; the thread is joined by the writer.
pub(super) type Preparation = JoinHandle<Result<Arc<dyn File>, LogError>>;

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
        self.active = Arc::new(next);
        self.position = self.active.first_frame();
        self.shared.segments.add(Arc::clone(&self.active));
        self.supers.write(Slot {
            watermark: self.position,
            ..self.supers.newest()
        })?;
        self.prepare_next();
        Ok(())
    }

    /// Starts to make the segment after the active one; a failure shows when it is needed.
    pub(super) fn prepare_next(&mut self) {
        let (files, config) = (Arc::clone(&self.files), &self.shared.config);
        let (dir, size) = (config.dir.clone(), config.segment_size);
        let work = move || segment::prepare(&*files, &dir, size);
        self.prepared = std::thread::Builder::new()
            .name("log-prepare".to_owned())
            .spawn(work)
            .ok();
    }

    /// The prepared file; made now when the background could not.
    fn prepared_file(&mut self) -> Result<Arc<dyn File>, LogError> {
        if let Some(Ok(Ok(file))) = self.prepared.take().map(JoinHandle::join) {
            return Ok(file);
        }
        let config = &self.shared.config;
        segment::prepare(&*self.files, &config.dir, config.segment_size)
    }

    /// Waits until nothing is made in the background; the half-made file is replaced at the next opening.
    pub(super) fn stop_preparing(&mut self) {
        if let Some(Err(_) | Ok(Err(_))) = self.prepared.take().map(JoinHandle::join) {
            tracing::debug!("the next log segment was not prepared");
        }
    }
}
