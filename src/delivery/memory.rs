//! How much memory events may take while they wait for their attempt.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

use crate::log::RouteId;
use crate::log::StoredEvent;

/// What an event takes beside its bytes, rounded up.
const OVERHEAD: usize = 256;

/// One budget for the events that all queues hold. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Memory(Arc<Semaphore>);

/// An event in memory; its part of the budget is given back with the last reference.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) event: StoredEvent,
    _room: OwnedSemaphorePermit,
}

impl Memory {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes)))
    }

    /// A copy of the event, if there is room; the original may be a slice of a much larger buffer.
    pub(super) fn hold(&self, event: &StoredEvent) -> Option<Arc<Held>> {
        let routes = event.routes.len() * size_of::<RouteId>();
        let bytes = OVERHEAD + routes + event.attributes.len() + event.data.len();
        let room = Arc::clone(&self.0)
            .try_acquire_many_owned(u32::try_from(bytes).ok()?)
            .ok()?;
        let event = StoredEvent {
            attributes: Bytes::copy_from_slice(&event.attributes),
            data: Bytes::copy_from_slice(&event.data),
            ..event.clone()
        };
        Some(Arc::new(Held { event, _room: room }))
    }

    #[cfg(test)]
    pub(super) fn left(&self) -> usize {
        self.0.available_permits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::NewEvent;

    fn event(data: Bytes) -> StoredEvent {
        NewEvent {
            data,
            ..NewEvent::default()
        }
        .into()
    }

    #[test]
    fn events_are_held_up_to_the_budget_and_again_when_others_are_gone() {
        let memory = Memory::new(3 * (OVERHEAD + 1_000));
        let event = event(Bytes::from(vec![0; 1_000]));
        let mut held: Vec<_> = std::iter::from_fn(|| memory.hold(&event)).collect();
        assert_eq!((held.len(), memory.left()), (3, 0));
        let shared = held.pop();
        held.extend(shared.clone());
        drop(shared);
        assert!(memory.hold(&event).is_none());
        held.pop();
        assert!(memory.hold(&event).is_some());
    }

    #[test]
    fn a_held_event_keeps_no_larger_buffer_alive() {
        let body = Bytes::from(vec![7; 1 << 20]);
        let held = Memory::new(1 << 10).hold(&event(body.slice(..10))).unwrap();
        assert!(body.is_unique());
        assert_eq!(held.event.data, vec![7; 10]);
    }
}
