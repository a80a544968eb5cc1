//! Finding the event of a source and an id without looking at all the others.

use std::sync::Arc;

use super::blocking::blocking;
use super::events::Scan;
use super::present;
use super::state::Services;
use crate::api::EventList;
use crate::log;
use crate::problem::Problem;

impl Scan {
    /// The events of one source and id, from the indexes of the log; `None` when the question is
    /// another one or the indexes know of none: the answer of a function has a key of its own.
    pub(super) async fn by_key(&self, services: &Services) -> Result<Option<EventList>, Problem> {
        let (Some(source), Some(id)) = (&self.source, &self.id) else {
            return Ok(None);
        };
        let key = log::dedup_key(&services.log.uuid(), source, id);
        let (scan, log) = (self.clone(), services.log.clone());
        let view = Arc::clone(services.router.snapshot().view());
        blocking(move || {
            let mut items = Vec::new();
            let sequences = log.keyed(scan.bus, key)?;
            for sequence in sequences.into_iter().filter(|sequence| *sequence >= scan.from) {
                let Some(stored) = log.event(scan.bus, sequence)? else {
                    continue;
                };
                let event = present::stored_event(&stored)?;
                if scan.wants(&event) && items.len() < scan.limit {
                    items.push(present::entry(&stored, &event, &view)?);
                }
            }
            let list = EventList {
                items,
                next_cursor: None,
                gaps: Vec::new(),
            };
            Ok((!list.items.is_empty()).then_some(list))
        })
        .await
    }
}
