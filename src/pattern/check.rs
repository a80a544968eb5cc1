//! A clause in the form that is asked of events: literals as numbers, the rest as conditions.

use super::condition::Condition;
use super::condition::Leaf;
use super::occurrences::Occurrence;
use super::parse::Absence;
use super::parse::Branch;
use super::parse::Clause;
use super::trie::PathId;
use super::words::ValueId;
use super::words::Words;

/// One field and what it may be, compiled.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Check {
    /// The field.
    pub(super) path: PathId,
    /// What may be there.
    pub(super) wanted: Wanted,
    /// What values must not be there, of which the list of excluded ones is long or mixed.
    pub(super) excluded: Vec<Wanted>,
    /// Whether the field may be absent.
    pub(super) absence: Option<Absence>,
}

/// Alternatives, the literals among them sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Wanted {
    /// Literals.
    pub(super) literals: Box<[ValueId]>,
    /// Everything else.
    pub(super) conditions: Box<[Condition]>,
}

/// A check of one compiled layer, by its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CheckId(pub(super) u32);

/// A branch, compiled.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Attributes first, then fields of the data in ascending order of their paths.
    pub(super) checks: Box<[CheckId]>,
    /// None of these may hold.
    pub(super) nots: Box<[Plan]>,
}

impl Check {
    /// Compiles a clause.
    pub(super) fn new(words: &mut Words, clause: Clause) -> Self {
        let path = words.path(&clause.path);
        let absence = clause.absence();
        let mut excluded = Vec::new();
        let mut kept = Vec::new();
        for condition in clause.alternatives {
            match condition {
                Condition::AnythingBut(list) => excluded.push(Wanted::new(words, list)),
                Condition::Absent | Condition::Missing => {}
                other => kept.push(other),
            }
        }
        if kept.contains(&Condition::Present) || absence == Some(Absence::OfAnything) {
            words.expect_presence(path);
        }
        let wanted = Wanted::new(words, kept);
        if !wanted.literals.is_empty() || excluded.iter().any(|list| !list.literals.is_empty()) {
            words.expect_literals(path);
        }
        Self {
            path,
            wanted,
            excluded,
            absence,
        }
    }

    /// Whether what is there meets the check.
    pub(super) fn accepts(&self, found: &Occurrence<'_>) -> bool {
        self.wanted.has(found)
            || (found.leaf != Leaf::Nested && self.excluded.iter().any(|list| !list.has(found)))
    }
}

impl Wanted {
    fn new(words: &mut Words, alternatives: Vec<Condition>) -> Self {
        let mut literals = Vec::new();
        let mut conditions = Vec::new();
        for condition in alternatives {
            let before = literals.len();
            words.literal(&condition, &mut literals);
            if literals.len() == before {
                conditions.push(condition);
            }
        }
        literals.sort_unstable();
        literals.dedup();
        Self {
            literals: literals.into(),
            conditions: conditions.into(),
        }
    }

    fn has(&self, found: &Occurrence<'_>) -> bool {
        self.has_literal(found.value)
            || self.has_literal(found.address)
            || self.conditions.iter().any(|one| one.accepts(&found.leaf))
    }

    fn has_literal(&self, value: ValueId) -> bool {
        /// So few are compared faster one by one.
        const FEW: usize = 8;
        if self.literals.len() <= FEW {
            self.literals.contains(&value)
        } else {
            self.literals.binary_search(&value).is_ok()
        }
    }
}

impl Plan {
    /// Compiles a branch; `intern` gives a check its place.
    pub(super) fn new(words: &mut Words, branch: Branch, intern: &mut impl FnMut(Check) -> CheckId) -> Self {
        let mut attributes = Vec::with_capacity(branch.clauses.len());
        let mut fields = Vec::new();
        for clause in branch.clauses {
            let check = Check::new(words, clause);
            if check.path.is_data() {
                fields.push(intern(check));
            } else {
                attributes.push(intern(check));
            }
        }
        // Attributes are in no array, so their order decides nothing but how soon a miss is known.
        attributes.append(&mut fields);
        let nots = branch.nots.into_iter();
        Self {
            checks: attributes.into(),
            nots: nots.map(|not| Self::new(words, not, intern)).collect(),
        }
    }
}
