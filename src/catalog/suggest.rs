//! "Did you mean": the known word nearest to an unknown one.

/// How alike two words must be, from 0 to 1, before one is offered for the other.
///
/// Jaro-Winkler puts typing slips (`taret`, `max_atempts`) above 0.9 and unrelated keys of our
/// files (`name`, `match`) below 0.75.
const ALIKE: f64 = 0.8;

/// The candidate most like `word`, if one is near enough to be what was meant.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word.to_lowercase(), candidate), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_none() {
        let keys = ["name", "match", "targets", "max_attempts"];
        assert_eq!(nearest("taregts", keys), Some("targets"));
        assert_eq!(nearest("maxAttempts", keys), Some("max_attempts"));
        assert_eq!(nearest("Match", keys), Some("match"));
        assert_eq!(nearest("colour", keys), None);
    }
}
