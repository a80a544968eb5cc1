//! Regular expressions as machines, so that a statement about all texts can be decided.

use regex_syntax::hir::Class;
use regex_syntax::hir::Hir;
use regex_syntax::hir::HirKind;
use regex_syntax::hir::Look;

/// Largest machine of one expression; `(a{100}){100}` would have ten thousand states.
const MAX_STATES: usize = 2_000;

/// The number of a state.
pub(super) type State = usize;

#[derive(Debug, Clone)]
enum Step {
    /// One character from these ranges.
    Read(Vec<(char, char)>, State),
    /// To any of these without a character.
    Fork(Vec<State>),
    /// Only where the text begins.
    IfStart(State),
    /// Only where the text ends.
    IfEnd(State),
}

/// A machine without memory that searches an expression anywhere in a text.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    steps: Vec<Step>,
    start: State,
    found: State,
}

/// States in which a machine may be after some characters, sorted.
pub(super) type Place = Vec<State>;

impl Machine {
    /// Reads an expression in the syntax of the `regex` crate; none if it uses word boundaries or is too large.
    pub(super) fn read(expression: &str) -> Option<Self> {
        let hir = regex_syntax::parse(expression).ok()?;
        let mut machine = Self {
            steps: Vec::new(),
            start: 0,
            found: 0,
        };
        let any = vec![('\0', char::MAX)];
        let found = machine.add(Step::Fork(Vec::new()))?;
        machine.put(found, Step::Read(any.clone(), found));
        machine.found = found;
        let search = machine.add(Step::Fork(Vec::new()))?;
        let again = machine.add(Step::Read(any, search))?;
        let first = machine.build(&hir, found)?;
        machine.put(search, Step::Fork(vec![first, again]));
        machine.start = search;
        Some(machine)
    }

    fn add(&mut self, step: Step) -> Option<State> {
        (self.steps.len() < MAX_STATES).then(|| {
            self.steps.push(step);
            self.steps.len() - 1
        })
    }

    fn put(&mut self, state: State, step: Step) {
        if let Some(slot) = self.steps.get_mut(state) {
            *slot = step;
        }
    }

    /// Adds an expression that goes on to `next`; recursion is bounded by the parser's nesting limit.
    fn build(&mut self, hir: &Hir, next: State) -> Option<State> {
        match hir.kind() {
            HirKind::Empty => Some(next),
            HirKind::Literal(literal) => {
                let text = std::str::from_utf8(&literal.0).ok()?;
                text.chars()
                    .rev()
                    .try_fold(next, |next, c| self.add(Step::Read(vec![(c, c)], next)))
            }
            HirKind::Class(class) => {
                let ranges = match class {
                    Class::Unicode(class) => class.iter().map(|range| (range.start(), range.end())).collect(),
                    Class::Bytes(class) => {
                        let ranges = class
                            .iter()
                            .map(|range| (char::from(range.start()), char::from(range.end())));
                        class.is_ascii().then(|| ranges.collect())?
                    }
                };
                self.add(Step::Read(ranges, next))
            }
            HirKind::Look(Look::Start) => self.add(Step::IfStart(next)),
            HirKind::Look(Look::End) => self.add(Step::IfEnd(next)),
            HirKind::Look(_) => None,
            HirKind::Capture(capture) => self.build(&capture.sub, next),
            HirKind::Concat(parts) => parts
                .iter()
                .rev()
                .try_fold(next, |next, part| self.build(part, next)),
            HirKind::Alternation(parts) => {
                let starts = parts
                    .iter()
                    .map(|part| self.build(part, next))
                    .collect::<Option<Vec<_>>>()?;
                self.add(Step::Fork(starts))
            }
            HirKind::Repetition(repetition) => {
                let mut first = next;
                match repetition.max {
                    None => {
                        let again = self.add(Step::Fork(Vec::new()))?;
                        let body = self.build(&repetition.sub, again)?;
                        self.put(again, Step::Fork(vec![body, next]));
                        first = again;
                    }
                    Some(max) => {
                        for _ in repetition.min..max {
                            let body = self.build(&repetition.sub, first)?;
                            first = self.add(Step::Fork(vec![body, next]))?;
                        }
                    }
                }
                for _ in 0..repetition.min {
                    first = self.build(&repetition.sub, first)?;
                }
                Some(first)
            }
        }
    }

    /// Where the machine is before the first character.
    pub(super) fn begin(&self) -> Place {
        self.closed(vec![self.start], true, false)
    }

    /// Where it is after one more character.
    pub(super) fn after(&self, place: &Place, c: char) -> Place {
        let reached = place.iter().filter_map(|state| match self.steps.get(*state)? {
            Step::Read(ranges, next) => ranges
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&c))
                .then_some(*next),
            _ => None,
        });
        self.closed(reached.collect(), false, false)
    }

    /// Whether the text that led here is a match, if it ends here.
    pub(super) fn accepts(&self, place: &Place, is_start: bool) -> bool {
        self.closed(place.clone(), is_start, true).contains(&self.found)
    }

    /// Adds the states that are reached without a character.
    fn closed(&self, mut waiting: Vec<State>, is_start: bool, is_end: bool) -> Place {
        let mut seen = vec![false; self.steps.len()];
        let mut place = Vec::new();
        while let Some(state) = waiting.pop() {
            let Some(seen) = seen.get_mut(state) else { continue };
            if std::mem::replace(seen, true) {
                continue;
            }
            // A state at an end is kept: whether the text ends there is not known yet.
            match self.steps.get(state) {
                Some(Step::Fork(next)) => waiting.extend(next),
                Some(Step::IfStart(next)) if is_start => waiting.push(*next),
                Some(Step::IfEnd(next)) => {
                    place.push(state);
                    if is_end {
                        waiting.push(*next);
                    }
                }
                Some(Step::Read(..)) => place.push(state),
                _ => {}
            }
        }
        place.sort_unstable();
        place
    }

    /// Adds the characters at which the machine may begin to behave otherwise.
    pub(super) fn borders(&self, borders: &mut Vec<u32>) {
        for step in &self.steps {
            if let Step::Read(ranges, _) = step {
                for (from, to) in ranges {
                    borders.push(u32::from(*from));
                    borders.push(u32::from(*to) + 1);
                }
            }
        }
    }
}
