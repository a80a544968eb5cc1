//! What somebody may have meant.

/// From this likeness on (Jaro-Winkler, 0 to 1), one word is taken for a misspelling of another.
const ALIKE: f64 = 0.8;

/// "did you mean" for a word that is nearly one of these.
pub(super) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<String> {
    let word = word.to_ascii_uppercase();
    known
        .map(|known| match strsim::osa_distance(&word, known) {
            // Two letters in the wrong order make short words look less alike than they are.
            1 if word.len() > 2 => (1.0, known),
            _ => (strsim::jaro_winkler(&word, known), known),
        })
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| format!("did you mean `{known}`?"))
}
