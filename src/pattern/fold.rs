//! Ignoring case: Unicode simple folding, one character for one character.
//!
//! `Σ`, `σ` and `ς` are one, `K` (kelvin) is `k`; `ß` is not `SS`, because that would be two
//! characters for one, and neither `ı` nor `İ` is `i`, because only Turkish says so.

/// The text with every character folded.
pub(super) fn folded(text: &str) -> String {
    text.chars().map(fold).collect()
}

/// The character that stands for all those that differ from it in case alone.
pub(super) fn fold(c: char) -> char {
    const DOTLESS_I: char = 'ı';
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    if c == DOTLESS_I {
        return c;
    }
    let upper = single(c.to_uppercase()).unwrap_or(c);
    single(upper.to_lowercase()).unwrap_or(upper)
}

/// Whether the text is `pattern`, itself folded already, but for case.
pub(super) fn equals(text: &str, pattern: &str) -> bool {
    text.chars().map(fold).eq(pattern.chars())
}

/// Whether the text begins with `pattern`, itself folded already, but for case.
pub(super) fn starts_with(text: &str, pattern: &str) -> bool {
    leads(text.chars(), pattern.chars())
}

/// Whether the text ends with `pattern`, itself folded already, but for case.
pub(super) fn ends_with(text: &str, pattern: &str) -> bool {
    leads(text.chars().rev(), pattern.chars().rev())
}

fn leads(text: impl Iterator<Item = char>, mut pattern: impl Iterator<Item = char>) -> bool {
    let mut text = text.map(fold);
    pattern.all(|c| text.next() == Some(c))
}

fn single(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next()?;
    chars.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_in_all_its_cases_folds_to_one() {
        for alike in ["aA", "äÄ", "σΣς", "kKK", "sSſ", "ßẞ", "ⱥȺ", "µμΜ", "ǆǅǄ", "𐐨𐐀"]
        {
            let folds: Vec<_> = alike.chars().map(fold).collect();
            assert!(folds.windows(2).all(|two| two[0] == two[1]), "{alike}");
        }
        for unlike in ["iı", "iİ", "ıI", "ab"] {
            let folds: Vec<_> = unlike.chars().map(fold).collect();
            assert_ne!(folds[0], folds[1], "{unlike}");
        }
    }
}
