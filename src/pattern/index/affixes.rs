//! Which of many texts a value begins with.

use super::Target;

/// Texts in ascending order, each with the longest other one that it begins with.
///
/// All texts that a value begins with are the last one not above the value, or the beginnings of
/// that one: one search finds them, however many there are.
#[derive(Debug, Default)]
pub(super) struct Affixes {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    text: Box<[u8]>,
    /// The place of the longest other text that this one begins with.
    beginning: Option<u32>,
    target: Target,
}

impl Affixes {
    /// Takes texts, none twice.
    pub(super) fn new(mut texts: Vec<(Box<[u8]>, Target)>) -> Self {
        texts.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mut entries: Vec<Entry> = Vec::with_capacity(texts.len());
        for (text, target) in texts {
            let mut beginning = u32::try_from(entries.len())
                .ok()
                .and_then(|len| len.checked_sub(1));
            while let Some(entry) = beginning.and_then(|place| entries.get(place as usize)) {
                if text.starts_with(&entry.text) {
                    break;
                }
                beginning = entry.beginning;
            }
            entries.push(Entry {
                text,
                beginning,
                target,
            });
        }
        Self { entries }
    }

    /// Gives the targets of the texts that `value` begins with.
    pub(super) fn find(&self, value: &[u8], mut give: impl FnMut(Target)) {
        let above = self.entries.partition_point(|entry| &*entry.text <= value);
        let Some(mut entry) = above.checked_sub(1).and_then(|place| self.entries.get(place)) else {
            return;
        };
        let pairs = entry.text.iter().zip(value);
        let common = pairs.take_while(|(a, b)| a == b).count();
        loop {
            if entry.text.len() <= common {
                give(entry.target);
            }
            match entry.beginning.and_then(|place| self.entries.get(place as usize)) {
                Some(beginning) => entry = beginning,
                None => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_beginnings_are_found_and_nothing_else() {
        let texts = ["", "a", "ab", "abc", "abd", "b", "ba", "bab"];
        let numbered = texts.iter().zip(0..);
        let affixes = Affixes::new(
            numbered
                .map(|(text, n)| (text.as_bytes().into(), Target::Node(n)))
                .collect(),
        );
        for value in ["", "a", "abcd", "abb", "abz", "babx", "bb", "c", "A"] {
            let mut found = Vec::new();
            affixes.find(value.as_bytes(), |target| {
                if let Target::Node(n) = target {
                    found.push(texts[n as usize]);
                }
            });
            found.sort_unstable();
            let expected: Vec<_> = texts.into_iter().filter(|text| value.starts_with(text)).collect();
            assert_eq!(found, expected, "{value}");
        }
    }
}
