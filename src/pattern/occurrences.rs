//! The values of an event at the named paths, and the array elements they lie in.

use super::condition::Leaf;
use super::elements::ElementId;
use super::elements::Elements;
use super::scan::scan;
use super::trie::PathId;
use super::view::EventView;
use super::words::ValueId;
use super::words::Words;

/// Something at a named path.
#[derive(Debug)]
pub(super) struct Occurrence<'a> {
    /// The innermost array element, itself an object or array, that holds it.
    pub(super) element: ElementId,
    /// What it is.
    pub(super) leaf: Leaf<'a>,
    /// Its number, if some rule compares with it.
    pub(super) value: ValueId,
    /// The number of the address that it spells.
    pub(super) address: ValueId,
    /// The place of the next at the same path.
    next: Option<u32>,
}

/// The first and last occurrence at a path.
#[derive(Debug, Clone, Copy, Default)]
struct Chain {
    /// The round that wrote this; what an earlier one wrote is void.
    round: u64,
    first: u32,
    last: u32,
}

/// All that rules can ask of one event; the data is read when something first asks for it.
///
/// Its memory is used again for the next event.
#[derive(Debug, Default)]
pub(super) struct Occurrences<'a> {
    /// In the order of the text.
    all: Vec<Occurrence<'a>>,
    chains: Vec<Chain>,
    round: u64,
    /// The paths at which something is, each once.
    paths: Vec<PathId>,
    data_paths: usize,
    /// The elements they lie in.
    pub(super) elements: Elements,
}

impl<'a> Occurrences<'a> {
    /// Forgets the last event, whatever its lifetime, and keeps the memory.
    pub(super) fn recycle<'b>(mut self) -> Occurrences<'b> {
        self.all.clear();
        self.paths.clear();
        self.elements.clear();
        Occurrences {
            // Collecting an emptied vector in place keeps its memory.
            all: self.all.into_iter().map_while(|_| None).collect(),
            chains: self.chains,
            round: self.round,
            paths: self.paths,
            data_paths: 0,
            elements: self.elements,
        }
    }

    /// Reads the attributes of an event into emptied memory.
    pub(super) fn read_attributes(&mut self, words: &Words, event: &EventView<'a>) {
        self.round += 1;
        if self.chains.len() < words.trie.len() {
            self.chains.resize(words.trie.len(), Chain::default());
        }
        for &(name, value) in event.attributes {
            // Data has the name of no attribute, whatever an event may call one.
            let node = words.trie.start(name).filter(|_| name != "data");
            if let Some(path) = node.and_then(|node| words.trie.path(node)) {
                self.push(words, path, ElementId::OUTSIDE, value.into());
            }
        }
    }

    /// Reads the data of an event, once.
    pub(super) fn read_data(&mut self, words: &Words, event: &EventView<'a>) {
        if let (Some(node), Some(text)) = (words.trie.start("data"), event.data) {
            scan(text, words, node, self);
        }
    }

    /// Adds what is at a path.
    pub(super) fn push(&mut self, words: &Words, path: PathId, element: ElementId, leaf: Leaf<'a>) {
        let (value, address) = if words.trie.interest(path).exact {
            words.of(&leaf)
        } else {
            (ValueId::UNKNOWN, ValueId::UNKNOWN)
        };
        let place = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let Some(chain) = self.chains.get_mut(path.index()) else {
            return;
        };
        if chain.round == self.round {
            if let Some(last) = self.all.get_mut(chain.last as usize) {
                last.next = Some(place);
            }
            chain.last = place;
        } else {
            *chain = Chain {
                round: self.round,
                first: place,
                last: place,
            };
            self.paths.push(path);
            self.data_paths += usize::from(path.is_data());
        }
        self.all.push(Occurrence {
            element,
            leaf,
            value,
            address,
            next: None,
        });
    }

    /// What is at one path, in the order of the text.
    pub(super) fn at(&self, path: PathId) -> impl Iterator<Item = &Occurrence<'a>> + Clone {
        let chain = self.chains.get(path.index()).copied().unwrap_or_default();
        let first = (chain.round == self.round).then_some(chain.first);
        let place = |place: u32| self.all.get(place as usize);
        std::iter::successors(first.and_then(place), move |one| one.next.and_then(place))
    }

    /// The paths at which something is, each once.
    pub(super) fn paths(&self) -> &[PathId] {
        &self.paths
    }

    /// Whether something is at every path of the data that rules name, so that only a member that
    /// repeats another could add to it.
    pub(super) fn has_all_data(&self, words: &Words) -> bool {
        words.trie.data_members() == Some(self.data_paths)
    }
}
