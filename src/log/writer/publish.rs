//! What happens once a group is durable: index, dedup window, feeds, answers.

use crate::log::answer::Answers;
use crate::log::feed::{Durable, FEED_MAX_BODY};
use crate::log::format::frame::FrameHeader;
use crate::log::queue::Request;
use crate::log::shared::Shared;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Frames handled under one lock: whoever looks up a key waits for no more than these.
const CHUNK: usize = 32;

/// The frames of one or more writes that one sync has made durable.
pub(super) struct Settled {
    /// Headers and requests in the order of their positions.
    pub(super) frames: Vec<(FrameHeader, Request)>,
    /// Their bytes.
    pub(super) bytes: u64,
    /// The position behind the last of them.
    pub(super) end: u64,
}

impl Settled {
    /// Makes the frames visible, then answers their callers, so that what is acknowledged can be
    /// read. Groups must be published in the order in which they were written.
    ///
    /// Returns the emptied list, to be filled again.
    pub(super) fn publish(mut self, shared: &Shared) -> Vec<(FrameHeader, Request)> {
        self.count(shared);
        self.index(shared);
        self.settle_keys(shared);
        self.answer(shared);
        self.frames
    }

    fn count(&self, shared: &Shared) {
        let counters = &shared.counters;
        counters.groups.fetch_add(1, Relaxed);
        counters.bytes.fetch_add(self.bytes, Relaxed);
        counters.appends.fetch_add(self.frames.len() as u64, Relaxed);
        let events: usize = self.frames.iter().map(|(_, request)| request.events.len()).sum();
        counters.events.fetch_add(events as u64, Relaxed);
        tracing::trace!(target: "tramline::log::group", bytes = self.bytes, "durable");
    }

    fn index(&mut self, shared: &Shared) {
        let (now, oldest) = shared.window();
        for chunk in self.frames.chunks_mut(CHUNK) {
            let mut index = shared.index.write();
            for (header, request) in &mut *chunk {
                for (sequence, event) in (header.first_sequence..).zip(&mut request.events) {
                    event.sequence = sequence;
                    event.time_ms = header.append_time;
                }
                index.add_written(header, &request.events, &request.states);
            }
            index.reach_written(chunk.iter().map(|(header, _)| header));
        }
        shared.index.write().note_age(self.end, now, oldest);
    }

    fn settle_keys(&self, shared: &Shared) {
        let (now, oldest) = shared.window();
        for chunk in self.frames.chunks(CHUNK) {
            let mut dedup = shared.dedup.lock();
            for (header, request) in chunk {
                for event in &request.events {
                    dedup
                        .recent
                        .add((header.bus, event.sequence), event.key, now, oldest);
                }
                dedup.release(header.bus, request.events.iter().map(|event| event.key));
            }
        }
        shared.dedup_changed.notify_waiters();
    }

    fn answer(&mut self, shared: &Shared) {
        #[cfg(feature = "failpoints")]
        crate::log::files::failpoints::reach_ack();
        let is_followed = shared.feed.receiver_count() > 0;
        let (mut admitted, mut answers) = (0, Answers::default());
        for (header, mut request) in self.frames.drain(..) {
            admitted += request.admitted as usize;
            request.answer_with(&mut answers, Ok(header.first_sequence));
            // A feed whose reader has gone away needs no event.
            if is_followed && !request.events.is_empty() {
                let fits = request.body.len() <= FEED_MAX_BODY;
                let durable = fits.then(|| {
                    Arc::new(Durable {
                        bus: header.bus,
                        events: request.events,
                    })
                });
                shared.feed.send(durable).ok();
            }
        }
        shared.answering.give(answers);
        shared.admission.add_permits(admitted);
    }
}
