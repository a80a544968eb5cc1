//! What happens once a group is durable: index, dedup window, feeds, answers.

use super::Writer;
use crate::log::feed::{Durable, FEED_MAX_BODY};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

impl Writer {
    /// Makes the group visible, then answers its callers, so that what is acknowledged can be read.
    pub(super) fn publish(&mut self) {
        self.count();
        self.index();
        self.settle_keys();
        self.answer();
    }

    fn count(&mut self) {
        let counters = &self.shared.counters;
        counters.groups.fetch_add(1, Relaxed);
        counters.bytes.fetch_add(self.group.unsynced(), Relaxed);
        let frames = self.group.frames_mut();
        counters.appends.fetch_add(frames.len() as u64, Relaxed);
        let events: usize = frames.iter().map(|(_, request)| request.events.len()).sum();
        counters.events.fetch_add(events as u64, Relaxed);
    }

    fn index(&mut self) {
        let (now, oldest) = self.shared.window();
        let mut index = self.shared.index.write();
        for (header, request) in self.group.frames_mut() {
            for (sequence, event) in (header.first_sequence..).zip(&mut request.events) {
                event.sequence = sequence;
                event.time_ms = header.append_time;
            }
            index.add_written(header, &request.events, &request.states);
        }
        index.note_age(self.position, now, oldest);
    }

    fn settle_keys(&mut self) {
        let mut dedup = self.shared.dedup.lock();
        for (header, request) in self.group.frames_mut() {
            dedup.release(header.bus, request.events.iter().map(|event| event.key));
        }
        drop(dedup);
        self.shared.dedup_changed.notify_waiters();
    }

    fn answer(&mut self) {
        #[cfg(feature = "failpoints")]
        crate::log::files::failpoints::reach_ack();
        let shared = &self.shared;
        let is_followed = shared.feed.receiver_count() > 0;
        let mut admitted = 0;
        for (header, mut request) in self.group.drain() {
            admitted += request.admitted as usize;
            request.answer(Ok(header.first_sequence));
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
        shared.admission.add_permits(admitted);
    }
}
