//! Entries in memory that come in any order and are found in sorted order.
//!
//! A log-structured merge: new entries wait unsorted, become a sorted run together, and runs of
//! like size are merged. An entry costs the same whether its route is one of ten or of a million.

use std::cmp::Ordering;

/// Entries that wait unsorted.
const RECENT: usize = 1024;
/// Longest run that a merge makes: what one append may be held up by.
const LONGEST: usize = 64 * 1024;

/// A bag of entries.
#[derive(Debug)]
pub(crate) struct Runs<E> {
    recent: Vec<E>,
    sorted: Vec<Vec<E>>,
    len: usize,
}

impl<E> Default for Runs<E> {
    fn default() -> Self {
        Self {
            recent: Vec::new(),
            sorted: Vec::new(),
            len: 0,
        }
    }
}

impl<E: Copy + Ord> Runs<E> {
    /// Adds an entry.
    pub(crate) fn push(&mut self, entry: E) {
        self.recent.push(entry);
        self.len += 1;
        if self.recent.len() == RECENT {
            self.settle();
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Those that `place` calls equal, ascending; it must order entries as they are ordered.
    pub(crate) fn find(&self, place: impl Fn(&E) -> Ordering) -> Vec<E> {
        self.first(usize::MAX, place)
    }

    /// The first `n` of them; those behind cost nothing.
    pub(crate) fn first(&self, n: usize, place: impl Fn(&E) -> Ordering) -> Vec<E> {
        let recent = self.recent.iter().filter(|entry| place(entry).is_eq());
        let mut found: Vec<E> = recent.copied().collect();
        for run in &self.sorted {
            let within = within(run, &place);
            found.extend_from_slice(within.get(..n).unwrap_or(within));
        }
        found.sort_unstable();
        found.truncate(n);
        found
    }

    /// How many entries `place` calls equal.
    pub(crate) fn count(&self, place: impl Fn(&E) -> Ordering) -> usize {
        let recent = self.recent.iter().filter(|entry| place(entry).is_eq()).count();
        let runs = self.sorted.iter().map(|run| within(run, &place).len());
        recent + runs.sum::<usize>()
    }

    /// All entries, ascending.
    pub(crate) fn sorted(&self) -> Vec<E> {
        let mut all = Vec::with_capacity(self.len);
        self.sorted.iter().for_each(|run| all.extend_from_slice(run));
        all.extend_from_slice(&self.recent);
        // Stable sorting finds the runs and only merges them.
        all.sort();
        all
    }

    fn settle(&mut self) {
        let mut run = std::mem::replace(&mut self.recent, Vec::with_capacity(RECENT));
        run.sort_unstable();
        while let Some(last) = self
            .sorted
            .pop_if(|last| last.len() <= run.len() && last.len() + run.len() <= LONGEST)
        {
            run = merged(&last, &run);
        }
        self.sorted.push(run);
    }
}

fn within<E>(run: &[E], place: impl Fn(&E) -> Ordering) -> &[E] {
    let start = run.partition_point(|entry| place(entry).is_lt());
    let rest = run.get(start..).unwrap_or_default();
    let len = rest.partition_point(|entry| place(entry).is_eq());
    rest.get(..len).unwrap_or_default()
}

fn merged<E: Copy + Ord>(a: &[E], b: &[E]) -> Vec<E> {
    let mut all = Vec::with_capacity(a.len() + b.len());
    all.extend_from_slice(a);
    all.extend_from_slice(b);
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_pushed_is_found_in_order(entries in proptest::collection::vec(0..50_u32, 0..5000)) {
            let mut runs = Runs::default();
            for entry in &entries {
                runs.push(*entry);
            }
            let mut sorted = entries.clone();
            sorted.sort_unstable();
            prop_assert_eq!(runs.sorted(), sorted.clone());
            prop_assert_eq!(runs.len(), entries.len());
            let place = |entry: &u32| if *entry < 10 { Ordering::Less } else if *entry < 20 { Ordering::Equal } else { Ordering::Greater };
            sorted.retain(|entry| (10..20).contains(entry));
            prop_assert_eq!(runs.count(place), sorted.len());
            prop_assert_eq!(runs.find(place), sorted.clone());
            sorted.truncate(7);
            prop_assert_eq!(runs.first(7, place), sorted);
        }
    }
}
