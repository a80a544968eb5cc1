//! Whether the clauses of a rule hold together.
//!
//! Every array whose elements are objects or arrays offers each of its elements as a choice. A rule
//! holds if for every clause one occurrence can be chosen such that no two of them lie in different
//! elements of one array. Scalars directly in an array do not choose an element of it.
//!
//! Clauses are taken in the order of their paths, and `exists: false` holds if every occurrence of
//! its path lies in an element that the choices so far exclude.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use super::occurrences::ArrayId;
use super::occurrences::ElementId;
use super::occurrences::Elements;
use super::occurrences::Occurrences;
use super::parse::Clause;
use super::trie::PathId;

/// A clause whose path the trie knows.
#[derive(Debug, Clone)]
pub(super) struct Located {
    /// Its path.
    pub(super) path: PathId,
    /// The clause.
    pub(super) clause: Clause,
}

impl Located {
    /// Whether the clause holds with no other beside it, or may yet, once elements are chosen.
    pub(super) fn may_hold(&self, found: &Occurrences<'_>) -> bool {
        let occurrences = found.at(self.path);
        (self.clause.accepts_absence() && (occurrences.is_empty() || !found.elements.is_empty()))
            || occurrences
                .iter()
                .any(|occurrence| self.clause.accepts(&occurrence.leaf))
    }
}

/// Whether all clauses, in the order of their paths, hold together.
pub(super) fn hold(clauses: &[Located], found: &Occurrences<'_>) -> bool {
    if !clauses.iter().all(|clause| clause.may_hold(found)) {
        return false;
    }
    if found.elements.is_empty() {
        return true;
    }
    let places: Vec<_> = clauses.iter().map(|clause| Places::of(clause, found)).collect();
    Join::new(&places, &found.elements).holds_from(0)
}

/// Where one clause can be met.
struct Places {
    /// The elements with a value that meets it, ascending.
    met: Vec<ElementId>,
    /// The elements with any value, ascending; `None` if the clause wants one.
    occupied: Option<Vec<ElementId>>,
}

impl Places {
    fn of(located: &Located, found: &Occurrences<'_>) -> Self {
        let all = found.at(located.path).iter();
        let met = all
            .clone()
            .filter(|one| located.clause.accepts(&one.leaf))
            .map(|one| one.element);
        let occupied = located
            .clause
            .accepts_absence()
            .then(|| ascending(all.map(|one| one.element)));
        Self {
            met: ascending(met),
            occupied,
        }
    }
}

fn ascending(elements: impl Iterator<Item = ElementId>) -> Vec<ElementId> {
    let mut elements: Vec<_> = elements.collect();
    elements.sort_unstable();
    elements.dedup();
    elements
}

/// The search for a consistent choice, clause by clause.
///
/// What was decided on arrays that no later clause touches is forgotten when dead ends are
/// remembered, so that the work grows with the event and not with the product of its arrays.
struct Join<'a> {
    places: &'a [Places],
    elements: &'a Elements,
    /// The last clause with a value in an array.
    last_use: HashMap<ArrayId, usize>,
    chosen: BTreeMap<ArrayId, ElementId>,
    dead_ends: HashSet<(usize, Vec<ElementId>)>,
}

impl<'a> Join<'a> {
    fn new(places: &'a [Places], elements: &'a Elements) -> Self {
        let mut last_use = HashMap::new();
        for (clause, places) in places.iter().enumerate() {
            for &element in places.met.iter().chain(places.occupied.iter().flatten()) {
                for (array, _) in elements.outwards(element) {
                    // Noted already, and so then are the arrays around it.
                    if last_use.insert(array, clause) == Some(clause) {
                        break;
                    }
                }
            }
        }
        Self {
            places,
            elements,
            last_use,
            chosen: BTreeMap::new(),
            dead_ends: HashSet::new(),
        }
    }

    /// Whether the clauses from this one on can be met beside what is chosen.
    fn holds_from(&mut self, clause: usize) -> bool {
        let Some(places) = self.places.get(clause) else {
            return true;
        };
        let state = (clause, self.choices_for(clause));
        if self.dead_ends.contains(&state) {
            return false;
        }
        let absent = |all: &Vec<_>| self.next_allowed(all, 0).is_none();
        if places.occupied.as_ref().is_some_and(absent) && self.holds_from(clause + 1) {
            return true;
        }
        let mut from = 0;
        while let Some((index, element)) = self.next_allowed(&places.met, from) {
            let added = self.choose(element);
            if self.holds_from(clause + 1) {
                return true;
            }
            for array in added {
                self.chosen.remove(&array);
            }
            from = index + 1;
        }
        self.dead_ends.insert(state);
        false
    }

    /// The choices that matter to a clause or one after it.
    fn choices_for(&self, clause: usize) -> Vec<ElementId> {
        let matters = |array| self.last_use.get(array).is_some_and(|&last| last >= clause);
        self.chosen
            .iter()
            .filter(|(array, _)| matters(array))
            .map(|(_, &element)| element)
            .collect()
    }

    /// Chooses an element and those around it; returns the arrays for which that is new.
    fn choose(&mut self, element: ElementId) -> Vec<ArrayId> {
        let mut added = Vec::new();
        for (array, element) in self.elements.outwards(element) {
            if self.chosen.insert(array, element).is_none() {
                added.push(array);
            }
        }
        added
    }

    /// The first element from an index on that the choices allow, leaping over whole arrays.
    fn next_allowed(&self, ascending: &[ElementId], mut from: usize) -> Option<(usize, ElementId)> {
        loop {
            let element = *ascending.get(from)?;
            match self.leap(element) {
                None => return Some((from, element)),
                Some(target) => from = ascending.partition_point(|&other| other < target),
            }
        }
    }

    /// If another element was chosen in some array around this one, where to look next.
    ///
    /// Who chose in an array also chose in those around it, so the innermost choice decides.
    fn leap(&self, element: ElementId) -> Option<ElementId> {
        self.elements.outwards(element).find_map(|(array, own)| {
            let chosen = *self.chosen.get(&array)?;
            Some((chosen != own).then(|| {
                if element < chosen {
                    chosen
                } else {
                    self.elements.end(array)
                }
            }))
        })?
    }
}
