//! Many rules, matched at once.

use std::cell::Cell;
use std::collections::HashSet;
use std::mem::take;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::filter::Filter;
use super::layer::Layer;
use super::layer::Rule;
use super::occurrences::Occurrences;
use super::search::Notes;
use super::search::Reading;
use super::search::search;
use super::view::EventView;
use super::words::Words;

/// So many changes beside the compiled rules cost nothing that can be measured.
const FEW_CHANGES: usize = 256;

/// Rules in a form that finds those of an event without asking each.
///
/// A set does not change; share it and replace it whole. [`changed`](Self::changed) makes a set
/// that differs in a few rules without compiling the others again.
#[derive(Debug)]
pub struct RuleSet<K> {
    base: Arc<Layer<K>>,
    /// The places of rules of the base that are there no more.
    removed: Arc<HashSet<u32, RandomState>>,
    added: Option<Arc<Added<K>>>,
}

/// Rules that came after the base was compiled.
#[derive(Debug)]
struct Added<K> {
    layer: Layer<K>,
    /// What they were compiled from, to be compiled again with the next change.
    filters: Vec<(K, Filter)>,
}

impl<K> Clone for RuleSet<K> {
    fn clone(&self) -> Self {
        Self {
            base: Arc::clone(&self.base),
            removed: Arc::clone(&self.removed),
            added: self.added.clone(),
        }
    }
}

impl<K: Clone> RuleSet<K> {
    /// Compiles rules. A key given twice is reported once for each rule that matches.
    pub fn compile(rules: impl IntoIterator<Item = (K, impl Into<Filter>)>) -> Self {
        let rules = rules.into_iter().map(|(key, filter)| (key, filter.into()));
        Self {
            base: Arc::new(Layer::compile(Words::default(), rules)),
            removed: Arc::default(),
            added: None,
        }
    }

    /// The set without the rules whose keys are `gone`, and with others at its end.
    ///
    /// Compiles only what came since the set was compiled as a whole, so that takes time with the
    /// number of changes; [`is_worn`](Self::is_worn) tells when to compile all again.
    #[must_use]
    pub fn changed(
        &self,
        gone: impl Fn(&K) -> bool,
        rules: impl IntoIterator<Item = (K, impl Into<Filter>)>,
    ) -> Self {
        let mut removed = None;
        for (place, rule) in (0..).zip(&self.base.rules) {
            if gone(&rule.key) && !self.removed.contains(&place) {
                removed
                    .get_or_insert_with(|| HashSet::clone(&self.removed))
                    .insert(place);
            }
        }
        let mut filters: Vec<_> = self
            .added
            .iter()
            .flat_map(|added| added.filters.clone())
            .collect();
        filters.retain(|(key, _)| !gone(key));
        filters.extend(rules.into_iter().map(|(key, filter)| (key, filter.into())));
        let added = (!filters.is_empty()).then(|| {
            let layer = Layer::compile(Words::over(&self.base.words), filters.iter().cloned());
            Arc::new(Added { layer, filters })
        });
        Self {
            base: Arc::clone(&self.base),
            removed: removed.map_or_else(|| Arc::clone(&self.removed), Arc::new),
            added,
        }
    }

    /// Whether so much has changed since the set was compiled as a whole that doing that again is
    /// worth it.
    #[must_use]
    pub fn is_worn(&self) -> bool {
        let added = self.added.as_ref().map_or(0, |added| added.filters.len());
        added > FEW_CHANGES || self.removed.len() > FEW_CHANGES.max(self.base.rules.len() / 4)
    }

    /// The keys of the rules that match, in the order in which they were compiled.
    #[must_use]
    pub fn matching(&self, event: &EventView<'_>) -> Vec<K> {
        let mut keys = Vec::new();
        self.each_matching(event, |key| keys.push(key.clone()));
        keys
    }

    /// Gives the keys of the rules that match, in the order in which they were compiled.
    ///
    /// The event's data is read at most once, and not at all when its attributes already leave no
    /// rule to try. Takes up no memory but what the thread's earlier calls left for it, except for
    /// strings with escapes, and arrays in arrays at fields of one rule.
    pub fn each_matching(&self, event: &EventView<'_>, mut give: impl FnMut(&K)) {
        let mut memory = MEMORY.take().unwrap_or_default();
        let Memory {
            occurrences,
            base,
            added,
        } = &mut *memory;
        let words = self
            .added
            .as_ref()
            .map_or(&self.base.words, |one| &one.layer.words);
        let mut reading = Reading {
            event,
            words,
            found: take(occurrences).recycle(),
            has_data: false,
        };
        reading.found.read_attributes(words, event);
        search(&self.base, &mut reading, base);
        if let Some(changes) = &self.added {
            search(&changes.layer, &mut reading, added);
        }
        *occurrences = reading.found.recycle();
        for place in base.matched.iter().filter(|place| !self.removed.contains(place)) {
            report(&self.base, *place, event, &mut give);
        }
        for place in self.added.iter().flat_map(|_| &added.matched) {
            self.added
                .iter()
                .for_each(|one| report(&one.layer, *place, event, &mut give));
        }
        MEMORY.set(Some(memory));
    }
}

fn report<K>(layer: &Layer<K>, place: u32, event: &EventView<'_>, give: &mut impl FnMut(&K)) {
    if let Some(Rule { key, residual }) = layer.rules.get(place as usize)
        && residual.as_ref().is_none_or(|residual| residual.passes(event))
    {
        give(key);
    }
}

/// What matching needs room for.
#[derive(Debug, Default)]
struct Memory {
    occurrences: Occurrences<'static>,
    base: Notes,
    added: Notes,
}

thread_local! {
    /// Taken while an event is matched; who comes meanwhile, from a residual, starts anew.
    static MEMORY: Cell<Option<Box<Memory>>> = const { Cell::new(None) };
}
