//! Everything but literals that branches ask of one path, each kind in the structure that finds
//! it soonest.

use super::super::address::Network;
use super::super::address::address;
use super::super::condition::Condition;
use super::super::condition::Leaf;
use super::super::fold::fold;
use super::super::number::Comparison;
use super::super::trie::PathId;
use super::super::words::Map;
use super::Target;
use super::affixes::Affixes;
use super::literals::Literals;
use super::networks::Networks;
use super::ranges::Ranges;

/// What a value must have for a branch to be worth a look.
///
/// It may ask for less than the condition does; the branch is verified anyway.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Slot {
    /// It is a string that begins so.
    Prefix(Box<[u8]>),
    /// It is a string whose bytes, read backwards, begin so.
    Suffix(Box<[u8]>),
    /// It is this string, folded.
    Folded(Box<str>),
    /// It is a string that, folded, begins so.
    FoldedPrefix(Box<[u8]>),
    /// It is a string whose bytes, folded and read backwards, begin so.
    FoldedSuffix(Box<[u8]>),
    /// It is a string with this in it.
    Literal(Box<[u8]>),
    /// It is an address of this network.
    Network(Network),
    /// It is a number from one double to another, both given by their bits.
    Range(u64, u64),
    /// It is a string.
    AnyString,
    /// It is a value.
    AnyValue,
    /// It is there.
    Anything,
}

impl Slot {
    /// The slot of a condition that is no literal.
    pub(super) fn of(condition: &Condition) -> Self {
        let bytes = |text: &str| Box::from(text.as_bytes());
        let backwards = |text: &str| text.bytes().rev().collect();
        match condition {
            Condition::Prefix(text) if !text.is_empty() => Self::Prefix(bytes(text)),
            Condition::Suffix(text) if !text.is_empty() => Self::Suffix(backwards(text)),
            Condition::EqualsIgnoreCase(text) => Self::Folded(text.as_str().into()),
            Condition::PrefixIgnoreCase(text) if !text.is_empty() => Self::FoldedPrefix(bytes(text)),
            Condition::SuffixIgnoreCase(text) if !text.is_empty() => Self::FoldedSuffix(backwards(text)),
            Condition::Wildcard(glob) if !glob.longest_literal().is_empty() => {
                Self::Literal(bytes(glob.longest_literal()))
            }
            Condition::Prefix(_)
            | Condition::Suffix(_)
            | Condition::PrefixIgnoreCase(_)
            | Condition::SuffixIgnoreCase(_)
            | Condition::Wildcard(_)
            | Condition::Regex(_) => Self::AnyString,
            Condition::Cidr(network) => Self::Network(*network),
            Condition::Numeric(bounds) => {
                let (mut from, mut to) = (f64::NEG_INFINITY, f64::INFINITY);
                for bound in bounds {
                    let Some(limit) = bound.limit.value() else {
                        continue;
                    };
                    match bound.comparison {
                        Comparison::Equal => (from, to) = (limit, limit),
                        Comparison::Less | Comparison::AtMost => to = limit,
                        Comparison::More | Comparison::AtLeast => from = limit,
                    }
                }
                Self::Range(from.to_bits(), to.to_bits())
            }
            Condition::Present => Self::Anything,
            _ => Self::AnyValue,
        }
    }

    /// How few events it is likely to let through; the lower the better.
    pub(super) fn class(&self) -> u8 {
        /// A text of so many bytes tells values apart about as well as a whole one.
        const TELLING: usize = 3;
        match self {
            Self::Folded(_) | Self::Network(_) => 1,
            Self::Prefix(text)
            | Self::Suffix(text)
            | Self::FoldedPrefix(text)
            | Self::FoldedSuffix(text)
            | Self::Literal(text)
                if text.len() >= TELLING =>
            {
                2
            }
            Self::Range(..) => 3,
            Self::Prefix(_)
            | Self::Suffix(_)
            | Self::FoldedPrefix(_)
            | Self::FoldedSuffix(_)
            | Self::Literal(_) => 4,
            Self::AnyString => 5,
            Self::AnyValue => 6,
            Self::Anything => 7,
        }
    }
}

/// The slots of one path.
#[derive(Debug)]
pub(in super::super) struct PathIndex {
    /// The path.
    pub(in super::super) path: PathId,
    prefixes: Affixes,
    suffixes: Affixes,
    folded: Map<Box<str>, Target>,
    folded_prefixes: Affixes,
    folded_suffixes: Affixes,
    has_folded: bool,
    has_suffixes: bool,
    literals: Option<Literals>,
    networks: Option<Networks>,
    ranges: Ranges,
    /// Where any string leads.
    strings: Vec<Target>,
    values: Option<Target>,
    anything: Option<Target>,
}

/// Memory for forms of a value, used again for the next one.
#[derive(Debug, Default)]
pub(in super::super) struct Buffers {
    backwards: Vec<u8>,
    folded: String,
}

impl PathIndex {
    /// Files what the slots of a path lead to.
    pub(super) fn new(path: PathId, slots: Vec<(Slot, Target)>) -> Self {
        let (mut prefixes, mut suffixes) = (Vec::new(), Vec::new());
        let (mut folded_prefixes, mut folded_suffixes) = (Vec::new(), Vec::new());
        let (mut literals, mut networks, mut ranges) = (Vec::new(), Vec::new(), Vec::new());
        let mut folded = Map::default();
        let (mut strings, mut values, mut anything) = (Vec::new(), None, None);
        for (slot, target) in slots {
            match slot {
                Slot::Prefix(text) => prefixes.push((text, target)),
                Slot::Suffix(text) => suffixes.push((text, target)),
                Slot::Folded(text) => drop(folded.insert(text, target)),
                Slot::FoldedPrefix(text) => folded_prefixes.push((text, target)),
                Slot::FoldedSuffix(text) => folded_suffixes.push((text, target)),
                Slot::Literal(text) => literals.push((text, target)),
                Slot::Network(network) => networks.push((network, target)),
                Slot::Range(from, to) => ranges.push((f64::from_bits(from), f64::from_bits(to), target)),
                Slot::AnyString => strings.push(target),
                Slot::AnyValue => values = Some(target),
                Slot::Anything => anything = Some(target),
            }
        }
        let automaton = (!literals.is_empty()).then(|| Literals::new(&literals)).flatten();
        if automaton.is_none() {
            strings.extend(literals.iter().map(|(_, target)| *target));
        }
        Self {
            path,
            has_suffixes: !suffixes.is_empty(),
            has_folded: !(folded.is_empty() && folded_prefixes.is_empty() && folded_suffixes.is_empty()),
            prefixes: Affixes::new(prefixes),
            suffixes: Affixes::new(suffixes),
            folded,
            folded_prefixes: Affixes::new(folded_prefixes),
            folded_suffixes: Affixes::new(folded_suffixes),
            literals: automaton,
            networks: (!networks.is_empty()).then(|| Networks::new(networks)),
            ranges: Ranges::new(ranges),
            strings,
            values,
            anything,
        }
    }

    /// Gives what a thing at the path leads to; a target may come several times.
    pub(in super::super) fn find(
        &self,
        leaf: &Leaf<'_>,
        buffers: &mut Buffers,
        mut give: impl FnMut(Target),
    ) {
        self.anything.into_iter().for_each(&mut give);
        if *leaf == Leaf::Nested {
            return;
        }
        self.values.into_iter().for_each(&mut give);
        match leaf {
            Leaf::String(text) => self.find_text(text, buffers, give),
            Leaf::Number(number) => {
                if let Some(value) = number.value() {
                    self.ranges.find(value, give);
                }
            }
            _ => {}
        }
    }

    fn find_text(&self, text: &str, buffers: &mut Buffers, mut give: impl FnMut(Target)) {
        self.strings.iter().copied().for_each(&mut give);
        self.prefixes.find(text.as_bytes(), &mut give);
        if self.has_suffixes {
            buffers.backwards.clear();
            buffers.backwards.extend(text.bytes().rev());
            self.suffixes.find(&buffers.backwards, &mut give);
        }
        if let Some(literals) = &self.literals {
            literals.find(text.as_bytes(), &mut give);
        }
        if let Some(networks) = &self.networks
            && let Some(address) = address(text)
        {
            networks.find(address, &mut give);
        }
        if self.has_folded {
            buffers.folded.clear();
            buffers.folded.extend(text.chars().map(fold));
            if let Some(&target) = self.folded.get(buffers.folded.as_str()) {
                give(target);
            }
            self.folded_prefixes.find(buffers.folded.as_bytes(), &mut give);
            buffers.backwards.clear();
            buffers.backwards.extend(buffers.folded.bytes().rev());
            self.folded_suffixes.find(&buffers.backwards, &mut give);
        }
    }
}
