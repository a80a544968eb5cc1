//! How many deliveries may wait behind a failure: of one route, and of all.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

/// Most of one route; at the bound it takes no new events.
pub(super) const OF_A_ROUTE: usize = 10_000;
/// Most of all routes together.
const OF_ALL: usize = 1_000_000;
/// What a route may have in any case, so that others cannot take all there is.
const ITS_OWN: usize = 100;

/// The part of one route in the bound of all. Clones share the bound and hold nothing.
#[derive(Debug, Default)]
pub(super) struct Retries {
    held: usize,
    of_all: Arc<AtomicUsize>,
}

impl Retries {
    /// The route has so many now.
    pub(super) fn hold(&mut self, count: usize) {
        if count != self.held {
            // The sum wraps around on its way and is right in the end.
            let change = count.wrapping_sub(self.held);
            self.of_all.fetch_add(change, Ordering::Relaxed);
            self.held = count;
        }
    }

    /// Whether the route may have one more.
    pub(super) fn has_room(&self) -> bool {
        let is_within = self.of_all.load(Ordering::Relaxed) < OF_ALL;
        self.held < ITS_OWN || (self.held < OF_A_ROUTE && is_within)
    }
}

impl Clone for Retries {
    fn clone(&self) -> Self {
        Self {
            held: 0,
            of_all: Arc::clone(&self.of_all),
        }
    }
}

impl Drop for Retries {
    fn drop(&mut self) {
        self.hold(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_bounded_by_its_own_bound_and_by_that_of_all() {
        let all = Retries::default();
        let mut routes: Vec<_> = (0..100).map(|_| all.clone()).collect();
        for route in &mut routes {
            route.hold(OF_A_ROUTE - 1);
            assert!(route.has_room());
            route.hold(OF_A_ROUTE);
            assert!(!route.has_room());
        }
        let mut late = all.clone();
        assert!(late.has_room(), "a route without retries is not shut out");
        late.hold(ITS_OWN);
        assert!(!late.has_room());
        routes.truncate(50);
        assert!(late.has_room());
    }
}
