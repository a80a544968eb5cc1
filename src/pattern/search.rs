//! The search for the rules of one layer that an event matches.

use super::check::CheckId;
use super::check::Plan;
use super::consistency::hold_in_one_array;
use super::consistency::holds;
use super::elements::ElementId;
use super::index::BranchId;
use super::index::Buffers;
use super::index::Node;
use super::index::PathIndex;
use super::index::Target;
use super::layer::Layer;
use super::occurrences::Occurrences;
use super::trie::PathId;
use super::view::EventView;
use super::words::Words;

/// An event with what has been read of it.
#[derive(Debug)]
pub(super) struct Reading<'e, 'w> {
    /// The event.
    pub(super) event: &'w EventView<'e>,
    /// The paths and literals to look for.
    pub(super) words: &'w Words,
    /// What was found.
    pub(super) found: Occurrences<'e>,
    /// Whether the data has been read.
    pub(super) has_data: bool,
}

impl Reading<'_, '_> {
    /// Makes sure that what is at a path has been read.
    fn want(&mut self, path: PathId) {
        if path.is_data() && !self.has_data {
            self.found.read_data(self.words, self.event);
            self.has_data = true;
        }
    }

    /// Makes sure that what is at ascending paths has been read; those of the data are the highest.
    fn want_last(&mut self, path: Option<PathId>) {
        if let Some(path) = path {
            self.want(path);
        }
    }
}

/// What is remembered of one layer while an event is matched; its memory is used again.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// What was written in an earlier round is void.
    round: u32,
    checks: Vec<(u32, Fate)>,
    nodes: Vec<u32>,
    branches: Vec<u32>,
    to_visit: Vec<u32>,
    candidates: Vec<BranchId>,
    buffers: Buffers,
    /// The places of the rules of which a branch holds, ascending.
    pub(super) matched: Vec<u32>,
}

impl Notes {
    fn begin<K>(&mut self, layer: &Layer<K>) {
        self.round = self.round.checked_add(1).unwrap_or_else(|| {
            self.checks.clear();
            self.nodes.clear();
            self.branches.clear();
            1
        });
        grow(&mut self.checks, layer.checks.len());
        grow(&mut self.nodes, layer.nodes.len());
        grow(&mut self.branches, layer.branches.len());
        self.to_visit.clear();
        self.candidates.clear();
        self.matched.clear();
    }
}

fn grow<T: Clone + Default>(list: &mut Vec<T>, len: usize) {
    if list.len() < len {
        list.resize(len, T::default());
    }
}

/// How one check fares with an event.
#[derive(Debug, Clone, Copy, Default)]
struct Fate {
    /// It holds with no other beside it.
    alone: bool,
    /// It holds, or may once array elements are chosen.
    may: bool,
    /// Something at its path lies in an element of an array.
    in_array: bool,
}

/// Finds the rules of which a branch holds; their places are left in the notes.
pub(super) fn search<K>(layer: &Layer<K>, reading: &mut Reading<'_, '_>, notes: &mut Notes) {
    notes.begin(layer);
    notes.to_visit.push(0);
    while let Some(place) = notes.to_visit.pop() {
        if let Some(node) = layer.nodes.get(place as usize) {
            visit(node, reading, notes);
        }
    }
    let mut search = Search {
        layer,
        reading,
        round: notes.round,
        checks: &mut notes.checks,
    };
    for id in &notes.candidates {
        if let Some(branch) = layer.branches.get(id.0 as usize)
            && search.holds(&branch.plan)
        {
            notes.matched.push(branch.rule);
        }
    }
    notes.matched.sort_unstable();
    notes.matched.dedup();
}

/// Notes where a node leads for what is read, each target once.
fn visit(node: &Node, reading: &mut Reading<'_, '_>, notes: &mut Notes) {
    let Notes {
        round,
        nodes,
        branches,
        to_visit,
        candidates,
        buffers,
        ..
    } = notes;
    let mut follow = |target| match target {
        Target::Branch(id) if is_new(branches, id.0, *round) => candidates.push(id),
        Target::Node(place) if is_new(nodes, place, *round) => to_visit.push(place),
        _ => {}
    };
    node.here.iter().for_each(|&id| follow(Target::Branch(id)));
    reading.want_last(node.exact_paths.last().copied());
    for &path in fewer(&node.exact_paths, reading.found.paths()) {
        for one in reading.found.at(path) {
            for value in [one.value, one.address] {
                if let Some(&target) = node.exact.get(&(path, value)) {
                    follow(target);
                }
            }
        }
    }
    reading.want_last(node.indexes.last().map(|index| index.path));
    let mut look_up = |index: &PathIndex| {
        for one in reading.found.at(index.path) {
            index.find(&one.leaf, buffers, &mut follow);
        }
    };
    if node.indexes.len() <= reading.found.paths().len() {
        node.indexes.iter().for_each(look_up);
        return;
    }
    for path in reading.found.paths() {
        let place = node.indexes.binary_search_by_key(path, |index| index.path);
        if let Some(index) = place.ok().and_then(|place| node.indexes.get(place)) {
            look_up(index);
        }
    }
}

/// The shorter of two lists of paths.
fn fewer<'p>(some: &'p [PathId], others: &'p [PathId]) -> &'p [PathId] {
    if some.len() <= others.len() { some } else { others }
}

/// Notes that a place has been reached; whether it is for the first time in this round.
fn is_new(rounds: &mut [u32], place: u32, round: u32) -> bool {
    rounds
        .get_mut(place as usize)
        .is_some_and(|last| std::mem::replace(last, round) != round)
}

/// Verifies branches; what one check was found to be is remembered for all branches.
struct Search<'s, 'e, 'w, K> {
    layer: &'s Layer<K>,
    reading: &'s mut Reading<'e, 'w>,
    round: u32,
    checks: &'s mut [(u32, Fate)],
}

impl<K> Search<'_, '_, '_, K> {
    fn holds(&mut self, plan: &Plan) -> bool {
        let (mut all_alone, mut in_arrays) = (true, 0);
        for &id in &plan.checks {
            let fate = self.fate(id);
            if !fate.may {
                return false;
            }
            all_alone &= fate.alone;
            in_arrays += usize::from(fate.in_array);
        }
        if in_arrays == 0 {
            return all_alone && !plan.nots.iter().any(|not| self.holds(not));
        }
        if plan.nots.is_empty() {
            if in_arrays == 1 {
                return all_alone;
            }
            let found = &self.reading.found;
            if let Some(holds) = hold_in_one_array(&plan.checks, &self.layer.checks, found) {
                return holds;
            }
        } else {
            self.read_all(&plan.nots);
        }
        holds(plan, &self.layer.checks, &self.reading.found)
    }

    /// Makes sure that all that plans ask for has been read.
    fn read_all(&mut self, plans: &[Plan]) {
        for plan in plans {
            for id in &plan.checks {
                if let Some(check) = self.layer.checks.get(id.0 as usize) {
                    self.reading.want(check.path);
                }
            }
            self.read_all(&plan.nots);
        }
    }

    fn fate(&mut self, id: CheckId) -> Fate {
        let place = id.0 as usize;
        if let Some((round, fate)) = self.checks.get(place)
            && *round == self.round
        {
            return *fate;
        }
        let fate = self.find_fate(id);
        if let Some(note) = self.checks.get_mut(place) {
            *note = (self.round, fate);
        }
        fate
    }

    fn find_fate(&mut self, id: CheckId) -> Fate {
        let Some(check) = self.layer.checks.get(id.0 as usize) else {
            return Fate::default();
        };
        self.reading.want(check.path);
        let all = || self.reading.found.at(check.path);
        let accepted = all().any(|one| check.accepts(one));
        let (mut absent, mut may_be_absent) = (false, false);
        if let Some(absence) = check.absence {
            let mut spoilt = all().filter(|one| absence.is_spoilt_by(&one.leaf)).peekable();
            absent = spoilt.peek().is_none();
            may_be_absent = spoilt.all(|one| one.element != ElementId::OUTSIDE);
        }
        Fate {
            alone: accepted || absent,
            may: accepted || may_be_absent,
            in_array: all().any(|one| one.element != ElementId::OUTSIDE),
        }
    }
}
