//! The values of an event at the named paths, and the array elements they lie in.

use super::condition::Leaf;
use super::scan::scan;
use super::trie::PathId;
use super::trie::Trie;
use super::view::EventView;

/// A value at a named path.
#[derive(Debug)]
pub(super) struct Occurrence<'a> {
    /// The path.
    pub(super) path: PathId,
    /// The innermost array element, itself an object or array, that holds the value.
    pub(super) element: ElementId,
    /// The value.
    pub(super) leaf: Leaf<'a>,
}

/// All that the rules of one trie can ask of one event.
#[derive(Debug)]
pub(super) struct Occurrences<'a> {
    /// In ascending order of paths.
    all: Vec<Occurrence<'a>>,
    /// The elements they lie in.
    pub(super) elements: Elements,
}

impl<'a> Occurrences<'a> {
    /// Reads the event once.
    pub(super) fn collect(trie: &Trie, event: &EventView<'a>) -> Self {
        let mut all = Vec::new();
        let mut elements = Elements::default();
        for &(name, value) in event.attributes {
            if let Some(path) = trie.start(name).and_then(|node| node.path) {
                all.push(Occurrence {
                    path,
                    element: ElementId::OUTSIDE,
                    leaf: value.into(),
                });
            }
        }
        if let (Some(node), Some(text)) = (trie.start("data"), event.data) {
            scan(text, node, &mut all, &mut elements);
        }
        all.sort_by_key(|occurrence| occurrence.path);
        Self { all, elements }
    }

    /// The values at one path.
    pub(super) fn at(&self, path: PathId) -> &[Occurrence<'a>] {
        let start = self.all.partition_point(|occurrence| occurrence.path < path);
        let from = self.all.get(start..).unwrap_or_default();
        let len = from.partition_point(|occurrence| occurrence.path == path);
        from.get(..len).unwrap_or_default()
    }
}

/// An array of the event that has objects or arrays for elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ArrayId(usize);

/// An object or array that is an element of an array; ids ascend in the order of the text, so
/// that the elements inside an array, however deep, have consecutive ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ElementId(usize);

impl ElementId {
    /// In no array at all.
    pub(super) const OUTSIDE: Self = Self(0);
}

/// How elements and arrays lie in one another.
#[derive(Debug, Default)]
pub(super) struct Elements {
    /// Of element n at n - 1: the element around it, and the array it is directly in.
    places: Vec<(ElementId, ArrayId)>,
    /// Of each array: the first id after the elements inside it.
    ends: Vec<ElementId>,
}

impl Elements {
    /// Whether no array has objects or arrays for elements.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Opens an array.
    pub(super) fn open_array(&mut self) -> ArrayId {
        self.ends.push(ElementId(usize::MAX));
        ArrayId(self.ends.len() - 1)
    }

    /// Enters the next element of an array that lies in `around`.
    pub(super) fn enter(&mut self, around: ElementId, array: ArrayId) -> ElementId {
        self.places.push((around, array));
        ElementId(self.places.len())
    }

    /// Closes an array: what is entered from now on is outside it.
    pub(super) fn close_array(&mut self, array: ArrayId) {
        let end = ElementId(self.places.len() + 1);
        if let Some(unset) = self.ends.get_mut(array.0) {
            *unset = end;
        }
    }

    /// The first id after the elements inside an array.
    pub(super) fn end(&self, array: ArrayId) -> ElementId {
        self.ends.get(array.0).copied().unwrap_or(ElementId(usize::MAX))
    }

    /// The element and those around it, each with its array, from the inside out.
    pub(super) fn outwards(&self, element: ElementId) -> impl Iterator<Item = (ArrayId, ElementId)> + '_ {
        let place = |element: ElementId| {
            let (around, array) = *self.places.get(element.0.checked_sub(1)?)?;
            Some((around, array, element))
        };
        std::iter::successors(place(element), move |&(around, ..)| place(around))
            .map(|(_, array, element)| (array, element))
    }
}
