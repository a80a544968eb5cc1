//! Which sources may publish which types to a bus, compiled for looking up.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::SourcesView;
use crate::event::Event;

/// Which sources may publish which types to a bus.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// What it was compiled from.
    from: Arc<SourcesView>,
    sources: Patterns<Arc<Patterns<()>>>,
}

/// Why an event may not be published to a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// Its source is not registered.
    SourceNotRegistered,
    /// Its source is registered and did not declare its type.
    TypeNotDeclared,
}

impl Gate {
    /// Compiles the sources of a bus.
    #[must_use]
    pub(super) fn compile(from: &Arc<SourcesView>) -> Self {
        let mut sources = Patterns::default();
        for live in from.by_name.values() {
            let mut types = Patterns::default();
            for kind in &live.source.types {
                types.add(kind, ());
            }
            sources.add(&live.source.source, Arc::new(types));
        }
        Self {
            from: Arc::clone(from),
            sources,
        }
    }

    /// Whether it was compiled from these sources and no others.
    #[must_use]
    pub(super) fn is_of(&self, sources: &Arc<SourcesView>) -> bool {
        Arc::ptr_eq(&self.from, sources)
    }

    /// Whether an event may be published. Costs nothing on a bus that refuses nothing.
    ///
    /// Of several sources that an event belongs to, one that declared its type is enough.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn admit(&self, event: &Event) -> Result<(), Denial> {
        let settings = self.from.settings;
        if !settings.rejects_unregistered_sources && !settings.rejects_undeclared_types {
            return Ok(());
        }
        let mut sources = self.sources.matching(event.source()).peekable();
        if sources.peek().is_none() {
            return if settings.rejects_unregistered_sources {
                Err(Denial::SourceNotRegistered)
            } else {
                Ok(())
            };
        }
        let kind = event.kind();
        let is_declared = |types: &Arc<Patterns<()>>| types.matching(kind).next().is_some();
        if settings.rejects_undeclared_types && !sources.any(is_declared) {
            return Err(Denial::TypeNotDeclared);
        }
        Ok(())
    }
}

/// Values under texts that are whole, or prefixes with `*` behind them.
///
/// A look-up costs one hash of the text, and one of its beginning for each different length of a prefix.
#[derive(Debug)]
struct Patterns<T> {
    exact: HashMap<String, Vec<T>>,
    prefixes: HashMap<String, Vec<T>>,
    /// The lengths of the prefixes in bytes, each once.
    lengths: Vec<usize>,
}

impl<T> Default for Patterns<T> {
    fn default() -> Self {
        Self {
            exact: HashMap::new(),
            prefixes: HashMap::new(),
            lengths: Vec::new(),
        }
    }
}

impl<T> Patterns<T> {
    fn add(&mut self, pattern: &str, value: T) {
        let Some(prefix) = pattern.strip_suffix('*') else {
            self.exact.entry(pattern.to_owned()).or_default().push(value);
            return;
        };
        if !self.lengths.contains(&prefix.len()) {
            self.lengths.push(prefix.len());
        }
        self.prefixes.entry(prefix.to_owned()).or_default().push(value);
    }

    fn matching<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a T> {
        let exact = self.exact.get(text).into_iter().flatten();
        let beginnings = self.lengths.iter().filter_map(|len| text.get(..*len));
        let prefixed = beginnings.filter_map(|beginning| self.prefixes.get(beginning));
        exact.chain(prefixed.flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_met_by_its_text_or_by_what_begins_with_its_prefix() {
        let mut patterns = Patterns::default();
        for pattern in ["/shop", "/shop/*", "/shop/a*", "*", "ä*"] {
            patterns.add(pattern, pattern);
        }
        let met = |text: &str| {
            let mut met: Vec<_> = patterns.matching(text).copied().collect();
            met.sort_unstable();
            met
        };
        assert_eq!(met("/shop"), ["*", "/shop"]);
        assert_eq!(met("/shop/"), ["*", "/shop/*"]);
        assert_eq!(met("/shop/ab"), ["*", "/shop/*", "/shop/a*"]);
        assert_eq!(met("é"), ["*"], "half a character is no beginning");
        assert_eq!(met("äb"), ["*", "ä*"]);
    }
}
