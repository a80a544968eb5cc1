//! Searching the open dead letters.
//!
//! Names and codes are answered from memory, times by reading each letter that is left.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringTreemap;

use super::dead_letters::DeadLetter;
use super::dead_letters::DeadLetterFilter;
use super::dead_letters::DeadLetterId;
use super::dead_letters::DeadLetterPage;
use super::engine::DeliveryError;
use super::engine::Engine;
use super::record::Attempt;
use super::route::Route;
use super::timeline::DeliveryState;
use crate::event;
use crate::log::LogError;
use crate::log::RouteId;

/// Bytes of the letters in one page, about; the last one may pass it.
const PAGE_BYTES: usize = 8 << 20;
/// Letters looked at for one page: each costs some small reads.
const PAGE_SCANNED: usize = 4_000;

/// What ends a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageBounds {
    pub(super) letters: usize,
    pub(super) scanned: usize,
    pub(super) bytes: usize,
}

/// What is known of a dead letter without its event.
struct Obituary {
    rule: String,
    target: String,
    code: String,
    reason: String,
    attempts: Vec<Attempt>,
    first_at_ms: i64,
    last_at_ms: i64,
}

impl Engine {
    /// Open dead letters in the order of route and sequence, after one of them. Blocking.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        after: Option<DeadLetterId>,
        limit: usize,
    ) -> Result<DeadLetterPage, DeliveryError> {
        let bounds = PageBounds {
            letters: limit,
            scanned: PAGE_SCANNED,
            bytes: PAGE_BYTES,
        };
        self.dead_letter_page(filter, after, bounds)
    }

    /// One open dead letter. Blocking.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetter>, DeliveryError> {
        let route = self.route(RouteId(id.route));
        if !route.is_some_and(|route| route.queue.lock().dead().contains(id.sequence)) {
            return Ok(None);
        }
        let obituary = self.obituary(id)?;
        obituary.map(|obituary| self.letter(id, obituary)).transpose()
    }

    /// How many dead letters a filter means. Blocking.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn count_dead_letters(&self, filter: &DeadLetterFilter) -> Result<u64, DeliveryError> {
        Ok(self.select(filter)?.values().map(RoaringTreemap::len).sum())
    }

    pub(super) fn dead_letter_page(
        &self,
        filter: &DeadLetterFilter,
        after: Option<DeadLetterId>,
        bounds: PageBounds,
    ) -> Result<DeadLetterPage, DeliveryError> {
        let (mut items, mut bytes, mut next) = (Vec::new(), 0, after);
        // One more than are looked at says whether there are more.
        let candidates = self.candidates(filter, after, bounds.scanned.saturating_add(1));
        for (scanned, id) in candidates.into_iter().enumerate() {
            if scanned >= bounds.scanned {
                return Ok(DeadLetterPage { items, next });
            }
            let obituary = self.obituary(id)?;
            if let Some(obituary) = obituary.filter(|obituary| filter.admits(obituary.last_at_ms)) {
                if items.len() >= bounds.letters || bytes >= bounds.bytes {
                    return Ok(DeadLetterPage { items, next });
                }
                let letter = self.letter(id, obituary)?;
                bytes += letter.len();
                items.push(letter);
            }
            next = Some(id);
        }
        Ok(DeadLetterPage { items, next: None })
    }

    /// The letters that a filter means, by route, as they are now. Blocking.
    pub(super) fn select(
        &self,
        filter: &DeadLetterFilter,
    ) -> Result<BTreeMap<RouteId, RoaringTreemap>, DeliveryError> {
        let mut selected = BTreeMap::new();
        for route in self.meant_routes(filter) {
            let mut set = {
                let queue = route.queue.lock();
                let set = queue.dead().of(filter.code.as_deref()).cloned();
                set.unwrap_or_default()
            };
            if let Some(ids) = &filter.ids {
                let of_route = ids.iter().filter(|id| id.route == route.id.0);
                set &= of_route.map(|id| id.sequence).collect::<RoaringTreemap>();
            }
            if filter.asks_for_time() {
                set = self.within_time(filter, route.id, &set)?;
            }
            if !set.is_empty() {
                set.optimize();
                selected.insert(route.id, set);
            }
        }
        Ok(selected)
    }

    fn within_time(
        &self,
        filter: &DeadLetterFilter,
        route: RouteId,
        set: &RoaringTreemap,
    ) -> Result<RoaringTreemap, DeliveryError> {
        let mut admitted = RoaringTreemap::new();
        for sequence in set {
            if self.shared.stop.is_cancelled() {
                return Err(DeliveryError::Stopping);
            }
            let obituary = self.obituary(DeadLetterId::new(route, sequence))?;
            if obituary.is_some_and(|obituary| filter.admits(obituary.last_at_ms)) {
                admitted.insert(sequence);
            }
        }
        Ok(admitted)
    }

    /// The next letters that names and code leave, at most `n`, without reading them.
    fn candidates(
        &self,
        filter: &DeadLetterFilter,
        after: Option<DeadLetterId>,
        n: usize,
    ) -> Vec<DeadLetterId> {
        let mut found = Vec::new();
        let from = after.map_or(0, |after| after.route);
        for route in self.meant_routes(filter) {
            if route.id.0 < from || found.len() >= n {
                continue;
            }
            let passed = after.filter(|after| after.route == route.id.0);
            let first = passed.map_or(0, |after| after.sequence.saturating_add(1));
            let queue = route.queue.lock();
            let Some(set) = queue.dead().of(filter.code.as_deref()) else {
                continue;
            };
            let mut letters = set.iter();
            letters.advance_to(first);
            let letters = letters.map(|sequence| DeadLetterId::new(route.id, sequence));
            let letters = letters.filter(|id| filter.ids.as_ref().is_none_or(|ids| ids.contains(id)));
            found.extend(letters.take(n - found.len()));
        }
        found
    }

    /// The routes that the names in a filter mean, ascending.
    fn meant_routes(&self, filter: &DeadLetterFilter) -> Vec<Arc<Route>> {
        let view = self.shared.view.load();
        let is = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
        let routes = self.shared.routes.read();
        let meant = routes.values().filter(|route| {
            view.route(route.id).is_some_and(|names| {
                is(&filter.bus, names.bus.as_str())
                    && is(&filter.rule, names.rule.as_str())
                    && is(&filter.target, names.target.as_str())
            })
        });
        let mut meant: Vec<_> = meant.cloned().collect();
        meant.sort_unstable_by_key(|route| route.id);
        meant
    }

    fn route(&self, id: RouteId) -> Option<Arc<Route>> {
        self.shared.routes.read().get(&id).cloned()
    }

    /// What is recorded of a letter, without its event; none if it is no longer open.
    fn obituary(&self, id: DeadLetterId) -> Result<Option<Obituary>, DeliveryError> {
        let route = RouteId(id.route);
        let Some(bus) = self.route(route).map(|route| route.bus) else {
            return Ok(None);
        };
        let timeline = self.on_route(route, id.sequence)?;
        // A letter about a reply: the call itself is delivered.
        let is_told = matches!(timeline.state, DeliveryState::Dead | DeliveryState::Delivered);
        let mut attempts = timeline.attempts;
        let (code, reason, accepted_ms) = if let Some((code, reason)) = timeline.ending.filter(|_| is_told) {
            let accepted_ms = self.shared.log.time_of(bus, id.sequence);
            (code, reason, accepted_ms.map_err(DeliveryError::Log)?)
        } else {
            // The main log may no longer have the record: the letter says the same.
            let letter = self.shared.letters.find(route, id.sequence);
            let is_untold = timeline.state == DeliveryState::Pending;
            let Some((letter, _)) = letter.map_err(DeliveryError::Log)?.filter(|_| is_untold) else {
                // Given back or up between the listing and now.
                return Ok(None);
            };
            attempts.extend(letter.death.last);
            (letter.death.code, letter.death.reason, letter.accepted_at_ms)
        };
        let accepted_ms = accepted_ms.unwrap_or_default();
        let at_ms = |attempt: Option<&Attempt>| attempt.map_or(accepted_ms, |attempt| attempt.at_ms);
        Ok(Some(Obituary {
            rule: timeline.rule,
            target: timeline.target,
            code,
            reason,
            first_at_ms: at_ms(attempts.first()),
            last_at_ms: at_ms(attempts.last()),
            attempts,
        }))
    }

    fn letter(&self, id: DeadLetterId, obituary: Obituary) -> Result<DeadLetter, DeliveryError> {
        let found = self.shared.letters.find(RouteId(id.route), id.sequence);
        let event = match found {
            // Damage must not hide the letter that tells of it, nor the others.
            Ok(None) | Err(LogError::Corrupt { .. } | LogError::Gap { .. }) => None,
            Ok(Some((_, stored))) => {
                stored.and_then(|stored| event::decode_attributes(&stored.attributes, stored.data).ok())
            }
            Err(error) => return Err(DeliveryError::Log(error)),
        };
        let view = self.shared.view.load();
        let bus = view.route(RouteId(id.route)).map(|names| names.bus.as_str());
        Ok(DeadLetter {
            id,
            bus: bus.unwrap_or_default().to_owned(),
            rule: obituary.rule,
            target: obituary.target,
            sequence: id.sequence,
            event,
            code: obituary.code,
            reason: obituary.reason,
            attempts: obituary.attempts,
            first_at_ms: obituary.first_at_ms,
            last_at_ms: obituary.last_at_ms,
        })
    }
}
