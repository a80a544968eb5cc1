//! Names of components: letters, digits, `.`, `-` and `_`, each name once.

use std::collections::HashMap;

/// Longest name before it is made unique, in bytes.
const MAX_NAME: usize = 120;

/// The names that are taken.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Each with the last number that was added to it.
    taken: HashMap<String, u32>,
}

impl Names {
    /// A name like the wanted one that is not taken yet.
    pub(super) fn take(&mut self, wanted: &str) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let name = wanted.chars().take(MAX_NAME);
        let mut name: String = name.map(|c| if is_plain(c) { c } else { '_' }).collect();
        // Tools in JavaScript take it for the prototype of the object that it is in.
        if name.is_empty() || name == "__proto__" {
            name.push('_');
        }
        let mut number = self.taken.get(&name).copied().unwrap_or(0);
        let mut unique = name.clone();
        while self.taken.contains_key(&unique) {
            number += 1;
            unique = format!("{name}-{}", number + 1);
        }
        self.taken.insert(name, number);
        self.taken.entry(unique.clone()).or_insert(0);
        unique
    }
}
