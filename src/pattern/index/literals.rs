//! Which of many texts a value contains.

use aho_corasick::AhoCorasick;

use super::Target;

/// Texts, found all at once in one pass over a value.
#[derive(Debug)]
pub(super) struct Literals {
    automaton: AhoCorasick,
    targets: Vec<Target>,
}

impl Literals {
    /// Takes texts, none twice; `None` if they are too many for one automaton.
    pub(super) fn new(texts: &[(Box<[u8]>, Target)]) -> Option<Self> {
        let automaton = AhoCorasick::new(texts.iter().map(|(text, _)| text)).ok()?;
        Some(Self {
            automaton,
            targets: texts.iter().map(|(_, target)| *target).collect(),
        })
    }

    /// Gives the targets of the texts that `value` contains, once for each place.
    pub(super) fn find(&self, value: &[u8], mut give: impl FnMut(Target)) {
        for hit in self.automaton.find_overlapping_iter(value) {
            if let Some(&target) = self.targets.get(hit.pattern().as_usize()) {
                give(target);
            }
        }
    }
}
