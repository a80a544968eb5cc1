//! How the elements of an event's arrays lie in one another.

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

/// The elements of one event.
#[derive(Debug, Default)]
pub(super) struct Elements {
    /// Of element n at n - 1: the element around it, and the array it is directly in.
    places: Vec<(ElementId, ArrayId)>,
    /// Of each array: the first id after the elements inside it.
    ends: Vec<ElementId>,
}

impl Elements {
    /// Forgets all, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.ends.clear();
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

    /// The array that an element is directly in, if no other is around that.
    pub(super) fn outermost(&self, element: ElementId) -> Option<ArrayId> {
        let (around, array) = *self.places.get(element.0.checked_sub(1)?)?;
        (around == ElementId::OUTSIDE).then_some(array)
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
