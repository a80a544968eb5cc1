//! The paths and literals that rules name, each known by a number.
//!
//! What an event holds is looked up here once; from then on the matcher compares numbers. Words
//! never change: more of them are laid over those that are there.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::address::address;
use super::condition::Condition;
use super::condition::Leaf;
use super::trie::PathId;
use super::trie::Trie;

/// A literal that some rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ValueId(u32);

impl ValueId {
    /// A value that no rule names.
    pub(super) const UNKNOWN: Self = Self(u32::MAX);
    const NULL: Self = Self(0);
    const FALSE: Self = Self(1);
    const TRUE: Self = Self(2);
    const FIRST_FREE: u32 = 3;

    /// Whether values are often this one, whatever the field.
    pub(super) fn is_common(self) -> bool {
        self.0 < Self::FIRST_FREE
    }
}

/// A map with a fast hash that an outsider cannot foresee.
pub(super) type Map<K, V> = HashMap<K, V, RandomState>;

/// Paths and literals.
#[derive(Debug, Clone)]
pub(super) struct Words {
    /// The paths, those of the words below included.
    pub(super) trie: Arc<Trie>,
    below: Option<Arc<Words>>,
    texts: Map<Box<str>, ValueId>,
    longest_text: usize,
    numbers: Map<u64, ValueId>,
    /// Numbers that no double holds, by their spelling.
    spelled: Map<Box<str>, ValueId>,
    addresses: Map<IpAddr, ValueId>,
    next: u32,
}

impl Default for Words {
    fn default() -> Self {
        Self {
            trie: Arc::default(),
            below: None,
            texts: Map::default(),
            longest_text: 0,
            numbers: Map::default(),
            spelled: Map::default(),
            addresses: Map::default(),
            next: ValueId::FIRST_FREE,
        }
    }
}

impl Words {
    /// No words but those below.
    pub(super) fn over(below: &Arc<Self>) -> Self {
        Self {
            trie: Arc::clone(&below.trie),
            next: below.next,
            below: Some(Arc::clone(below)),
            ..Self::default()
        }
    }

    /// The number of a path.
    pub(super) fn path(&mut self, path: &str) -> PathId {
        self.trie
            .find(path)
            .unwrap_or_else(|| Arc::make_mut(&mut self.trie).insert(path))
    }

    /// Notes that literals are compared with what is at a path.
    pub(super) fn expect_literals(&mut self, path: PathId) {
        if !self.trie.interest(path).exact
            && let Some(interest) = Arc::make_mut(&mut self.trie).interest_mut(path)
        {
            interest.exact = true;
        }
    }

    /// Notes that objects and lists at a path count.
    pub(super) fn expect_presence(&mut self, path: PathId) {
        if !self.trie.interest(path).presence
            && let Some(interest) = Arc::make_mut(&mut self.trie).interest_mut(path)
        {
            interest.presence = true;
        }
    }

    /// Names the literal of a condition; adds nothing for conditions that are none.
    ///
    /// A string that spells an address has two numbers.
    pub(super) fn literal(&mut self, condition: &Condition, ids: &mut Vec<ValueId>) {
        match condition {
            Condition::Null => ids.push(ValueId::NULL),
            Condition::Bool(truth) => ids.push(boolean(*truth)),
            Condition::String(text) => ids.push(self.text(text)),
            Condition::Address(text, address) => {
                ids.push(self.text(text));
                ids.push(self.address(*address));
            }
            Condition::Number(number) => {
                ids.push(match number.value() {
                    Some(value) => self.number(value),
                    None => self.spelled(&number.plain_spelling()),
                });
            }
            _ => {}
        }
    }

    /// The numbers of a value: as it is, and as the address that it spells.
    pub(super) fn of(&self, leaf: &Leaf<'_>) -> (ValueId, ValueId) {
        let (value, address) = match leaf {
            Leaf::Null => (Some(ValueId::NULL), None),
            Leaf::Bool(truth) => (Some(boolean(*truth)), None),
            Leaf::String(text) => (self.find_text(text), self.find_address(text)),
            Leaf::Number(number) => match number.value() {
                Some(value) => (self.find(|words| words.numbers.get(&value.to_bits())), None),
                None if self.any(|words| !words.spelled.is_empty()) => {
                    let spelling = number.plain_spelling();
                    (self.find(|words| words.spelled.get(spelling.as_str())), None)
                }
                None => (None, None),
            },
            Leaf::Nested => (None, None),
        };
        (
            value.unwrap_or(ValueId::UNKNOWN),
            address.unwrap_or(ValueId::UNKNOWN),
        )
    }

    fn find_text(&self, text: &str) -> Option<ValueId> {
        self.find(|words| {
            let may_be = text.len() <= words.longest_text;
            may_be.then(|| words.texts.get(text)).flatten()
        })
    }

    fn find_address(&self, text: &str) -> Option<ValueId> {
        if !self.any(|words| !words.addresses.is_empty()) {
            return None;
        }
        let address = address(text)?;
        self.find(|words| words.addresses.get(&address))
    }

    fn find<'w>(&'w self, get: impl Fn(&'w Self) -> Option<&'w ValueId>) -> Option<ValueId> {
        get(self).or_else(|| self.below.as_deref().and_then(get)).copied()
    }

    fn any(&self, has: impl Fn(&Self) -> bool) -> bool {
        has(self) || self.below.as_deref().is_some_and(has)
    }

    fn text(&mut self, text: &str) -> ValueId {
        if let Some(known) = self.find_text(text) {
            return known;
        }
        let id = self.fresh();
        self.longest_text = self.longest_text.max(text.len());
        self.texts.insert(text.into(), id);
        id
    }

    fn number(&mut self, value: f64) -> ValueId {
        let bits = value.to_bits();
        if let Some(known) = self.find(|words| words.numbers.get(&bits)) {
            return known;
        }
        let id = self.fresh();
        self.numbers.insert(bits, id);
        id
    }

    fn spelled(&mut self, spelling: &str) -> ValueId {
        if let Some(known) = self.find(|words| words.spelled.get(spelling)) {
            return known;
        }
        let id = self.fresh();
        self.spelled.insert(spelling.into(), id);
        id
    }

    fn address(&mut self, address: IpAddr) -> ValueId {
        if let Some(known) = self.find(|words| words.addresses.get(&address)) {
            return known;
        }
        let id = self.fresh();
        self.addresses.insert(address, id);
        id
    }

    fn fresh(&mut self) -> ValueId {
        let id = ValueId(self.next);
        self.next = self.next.saturating_add(1);
        id
    }
}

fn boolean(truth: bool) -> ValueId {
    if truth { ValueId::TRUE } else { ValueId::FALSE }
}
