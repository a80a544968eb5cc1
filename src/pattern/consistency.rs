//! Whether the checks of a plan hold together.
//!
//! Every array whose elements are objects or arrays offers each of its elements as a choice. A plan
//! holds if for every check one occurrence can be chosen such that no two of them lie in different
//! elements of one array. Scalars directly in an array do not choose an element of it.
//!
//! Checks are taken in the order of their paths, and an absence holds if every occurrence of its
//! path lies in an element that the choices so far exclude. What must not hold is tried last: it
//! may choose what the checks left open, and no choice of it may succeed.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use super::check::Check;
use super::check::CheckId;
use super::check::Plan;
use super::elements::ArrayId;
use super::elements::ElementId;
use super::elements::Elements;
use super::occurrences::Occurrences;

/// Whether the plan holds, however the arrays of the event lie in one another.
pub(super) fn holds(plan: &Plan, checks: &[Check], found: &Occurrences<'_>) -> bool {
    let task = Task::new(plan, checks, found);
    Join::new(&task, &found.elements, BTreeMap::new()).holds_from(0)
}

/// Whether checks that want values hold together, told without taking up memory.
///
/// `None` if that needs more thought: if an array lies in another one, if two arrays are involved,
/// or if a path has values both in and outside an array.
pub(super) fn hold_in_one_array(checks: &[CheckId], all: &[Check], found: &Occurrences<'_>) -> Option<bool> {
    /// With more checks than this the general way is no slower.
    const MAX_CHECKS: usize = 8;
    let mut array = None;
    let mut involved = [None; MAX_CHECKS];
    let mut count = 0;
    for id in checks {
        let check = all.get(id.0 as usize)?;
        let mut occurrences = found.at(check.path).peekable();
        if occurrences.peek()?.element == ElementId::OUTSIDE {
            // Checked already, unless some value of the path lies in an array.
            if occurrences.any(|one| one.element != ElementId::OUTSIDE) {
                return None;
            }
            continue;
        }
        if check.absence.is_some() {
            return None;
        }
        for one in occurrences {
            let own = found.elements.outermost(one.element)?;
            if *array.get_or_insert(own) != own {
                return None;
            }
        }
        *involved.get_mut(count)? = Some(check);
        count += 1;
    }
    let mut met = involved.map(|check| {
        check
            .into_iter()
            .flat_map(|check| found.at(check.path).filter(|one| check.accepts(one)))
            .map(|one| one.element)
            .peekable()
    });
    // Each list of elements ascends; whoever is behind moves up until all stand at one element.
    let lists = met.get_mut(..count)?;
    let mut wanted = ElementId::OUTSIDE;
    loop {
        let before = wanted;
        for list in &mut *lists {
            while list.next_if(|element| *element < wanted).is_some() {}
            match list.peek() {
                Some(element) => wanted = *element,
                None => return Some(false),
            }
        }
        if wanted == before {
            return Some(true);
        }
    }
}

/// Where one check can be met.
struct Places {
    /// The elements with something that meets it, ascending.
    met: Vec<ElementId>,
    /// The elements with anything that spoils its absence, ascending; `None` if it wants something.
    occupied: Option<Vec<ElementId>>,
}

impl Places {
    fn of(check: &Check, found: &Occurrences<'_>) -> Self {
        let all = || found.at(check.path);
        let met = all().filter(|one| check.accepts(one)).map(|one| one.element);
        let occupied = check.absence.map(|absence| {
            let spoilt = all().filter(|one| absence.is_spoilt_by(&one.leaf));
            ascending(spoilt.map(|one| one.element))
        });
        Self {
            met: ascending(met),
            occupied,
        }
    }
}

/// A plan with the places of its checks.
struct Task {
    places: Vec<Places>,
    nots: Vec<Task>,
}

impl Task {
    fn new(plan: &Plan, checks: &[Check], found: &Occurrences<'_>) -> Self {
        let checked = plan.checks.iter().filter_map(|id| checks.get(id.0 as usize));
        Self {
            places: checked.map(|check| Places::of(check, found)).collect(),
            nots: plan
                .nots
                .iter()
                .map(|not| Self::new(not, checks, found))
                .collect(),
        }
    }

    /// All elements that any check in it, however deep, may look at.
    fn elements(&self) -> Box<dyn Iterator<Item = ElementId> + '_> {
        let own = self.places.iter().flat_map(Places::elements);
        Box::new(own.chain(self.nots.iter().flat_map(Self::elements)))
    }
}

impl Places {
    fn elements(&self) -> impl Iterator<Item = ElementId> + '_ {
        self.met.iter().chain(self.occupied.iter().flatten()).copied()
    }
}

fn ascending(elements: impl Iterator<Item = ElementId>) -> Vec<ElementId> {
    let mut elements: Vec<_> = elements.collect();
    elements.sort_unstable();
    elements.dedup();
    elements
}

/// The search for a consistent choice, check by check.
///
/// What was decided on arrays that no later check touches is forgotten when dead ends are
/// remembered, so that the work grows with the event and not with the product of its arrays.
struct Join<'a> {
    task: &'a Task,
    elements: &'a Elements,
    /// The last check with something in an array; what must not hold comes after all checks.
    last_use: HashMap<ArrayId, usize>,
    chosen: BTreeMap<ArrayId, ElementId>,
    dead_ends: HashSet<(usize, Vec<ElementId>)>,
}

impl<'a> Join<'a> {
    fn new(task: &'a Task, elements: &'a Elements, chosen: BTreeMap<ArrayId, ElementId>) -> Self {
        let mut last_use = HashMap::new();
        let mut note = |element, check| {
            for (array, _) in elements.outwards(element) {
                // Noted already, and so then are the arrays around it.
                if last_use.insert(array, check) == Some(check) {
                    break;
                }
            }
        };
        for (check, places) in task.places.iter().enumerate() {
            places.elements().for_each(|element| note(element, check));
        }
        for not in &task.nots {
            not.elements()
                .for_each(|element| note(element, task.places.len()));
        }
        Self {
            task,
            elements,
            last_use,
            chosen,
            dead_ends: HashSet::new(),
        }
    }

    /// Whether the checks from this one on can be met beside what is chosen.
    fn holds_from(&mut self, check: usize) -> bool {
        let state = (check, self.choices_for(check));
        if self.dead_ends.contains(&state) {
            return false;
        }
        let task = self.task;
        let holds = match task.places.get(check) {
            Some(places) => self.can_be_met(places, check),
            None => !task
                .nots
                .iter()
                .any(|not| Join::new(not, self.elements, self.chosen.clone()).holds_from(0)),
        };
        if !holds {
            self.dead_ends.insert(state);
        }
        holds
    }

    fn can_be_met(&mut self, places: &Places, check: usize) -> bool {
        let absent = |all: &Vec<_>| self.next_allowed(all, 0).is_none();
        if places.occupied.as_ref().is_some_and(absent) && self.holds_from(check + 1) {
            return true;
        }
        let mut from = 0;
        while let Some((index, element)) = self.next_allowed(&places.met, from) {
            let added = self.choose(element);
            if self.holds_from(check + 1) {
                return true;
            }
            for array in added {
                self.chosen.remove(&array);
            }
            from = index + 1;
        }
        false
    }

    /// The choices that matter to a check or one after it.
    fn choices_for(&self, check: usize) -> Vec<ElementId> {
        let matters = |array| self.last_use.get(array).is_some_and(|&last| last >= check);
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
