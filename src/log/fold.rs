//! Reading what routes have to do and what became of it, from one checkpoint to another.

use super::Log;
use super::error::LogError;
use super::event::StoredState;
use super::ids::{BusId, RouteId};
use super::index::{BadIndex, Lookup};
use super::snapshot::Checkpoint;
use std::collections::HashMap;
use std::sync::Arc;

/// One fact about deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The event with this sequence, on the route's bus, took the route.
    Took(RouteId, u64),
    /// Something was recorded.
    Recorded(StoredState),
}

impl Log {
    /// Hands every fact behind `from` to `f`, up to `until` or to what is durable at the call.
    ///
    /// That an event took a route comes before everything recorded about it; records come in log
    /// order. Returns the next sequence of every bus at the place where the facts end, if that is
    /// the end of the log. Blocking: reads one index and the state records of each segment.
    ///
    /// # Errors
    /// As [`event`](Self::event); `f` has then seen those before the damage.
    pub fn fold(
        &self,
        from: Option<Checkpoint>,
        until: Option<Checkpoint>,
        f: &mut dyn FnMut(Fact),
    ) -> Result<HashMap<BusId, u64>, LogError> {
        let index = self.inner.shared.index.read();
        let (sealed, next) = (Arc::clone(index.sealed()), index.buses());
        let mut of_active = (Vec::new(), Vec::new());
        if until.is_none() {
            // What an index in memory answers is never bad.
            let mut took = |route, sequence| of_active.0.push((route, sequence));
            index.active().each_route_event(&mut took).unwrap_or_default();
            of_active.1 = index.active().state_frames().unwrap_or_default();
        }
        drop(index);
        let (from, until) = (
            from.map_or(0, |place| place.0),
            until.map_or(u64::MAX, |place| place.0),
        );
        for part in sealed
            .iter()
            .filter(|part| (from..until).contains(&part.segment().base))
        {
            let frames = part.ask(|index| {
                let mut took = Vec::new();
                index.each_route_event(&mut |route, sequence| took.push((route, sequence)))?;
                Ok::<_, BadIndex>((took, index.state_frames()?))
            })?;
            self.hand_out(frames, f)?;
        }
        self.hand_out(of_active, f)?;
        Ok(next.into_iter().collect())
    }

    fn hand_out(
        &self,
        (took, frames): (Vec<(RouteId, u64)>, Vec<u64>),
        f: &mut dyn FnMut(Fact),
    ) -> Result<(), LogError> {
        for (route, sequence) in took {
            f(Fact::Took(route, sequence));
        }
        self.states_in(&frames, &mut |state| f(Fact::Recorded(state)))
    }

    /// Hands every state record that is kept to `f`, in log order. Blocking: it reads them all.
    ///
    /// # Errors
    /// As [`event`](Self::event); `f` has then seen those before the damage.
    pub fn for_each_state(&self, f: &mut dyn FnMut(StoredState)) -> Result<(), LogError> {
        let mut recorded = |fact| {
            if let Fact::Recorded(state) = fact {
                f(state);
            }
        };
        self.fold(None, None, &mut recorded).map(|_| ())
    }
}
