//! The numbers of a field: whether they are whole, and between which limits they lie.

use std::cmp::Ordering;

use serde_json::Number;

/// Digits of a whole number beyond which validators differ about what it is.
const MAX_DIGITS: usize = 100;

/// The largest whole number that a double holds with all its neighbours.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// What was seen of numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Numbers {
    /// How many were whole, by value: `1.0` is.
    pub(super) whole: u64,
    /// How many were not.
    pub(super) fractions: u64,
    /// Whether a whole one is written so that not every validator takes it for an integer.
    pub(super) is_odd: bool,
    /// Whether one was too large to be compared.
    is_boundless: bool,
    limits: Option<(Number, Number)>,
}

impl Numbers {
    /// Takes in a number.
    pub(super) fn observe(&mut self, number: &Number) {
        let text = number.to_string();
        if is_whole(&text) {
            self.whole += 1;
            self.is_odd |= !is_plain(number, &text);
        } else {
            self.fractions += 1;
        }
        if number.as_f64().is_none_or(|value| !value.is_finite()) {
            self.is_boundless = true;
            return;
        }
        self.widen(number, number);
    }

    /// Takes in all that was seen by another.
    pub(super) fn merge(&mut self, other: Self) {
        self.whole += other.whole;
        self.fractions += other.fractions;
        self.is_odd |= other.is_odd;
        self.is_boundless |= other.is_boundless;
        if let Some((min, max)) = other.limits {
            self.widen(&min, &max);
        }
    }

    /// The smallest and the largest; none if there was none, or one that is too large to be compared.
    pub(super) fn limits(&self) -> Option<(&Number, &Number)> {
        let (min, max) = self.limits.as_ref().filter(|_| !self.is_boundless)?;
        Some((min, max))
    }

    fn widen(&mut self, min: &Number, max: &Number) {
        let Some((low, high)) = &mut self.limits else {
            self.limits = Some((min.clone(), max.clone()));
            return;
        };
        // Of two spellings of one value the same is kept whichever came first.
        if compare(min, low).then_with(|| spelling(min, low)).is_lt() {
            *low = min.clone();
        }
        if compare(max, high).then_with(|| spelling(high, max)).is_gt() {
            *high = max.clone();
        }
    }
}

/// Which number is less, as far as doubles tell; 64-bit integers exactly.
pub(super) fn compare(a: &Number, b: &Number) -> Ordering {
    if let (Some(a), Some(b)) = (a.as_i128(), b.as_i128()) {
        return a.cmp(&b);
    }
    let value = |number: &Number| number.as_f64().unwrap_or(f64::NAN);
    value(a).partial_cmp(&value(b)).unwrap_or(Ordering::Equal)
}

fn spelling(a: &Number, b: &Number) -> Ordering {
    let (a, b) = (a.to_string(), b.to_string());
    a.len().cmp(&b.len()).then_with(|| a.cmp(&b))
}

/// Whether every validator takes a whole number for an integer.
fn is_plain(number: &Number, text: &str) -> bool {
    let has_only_digits = text
        .trim_start_matches('-')
        .bytes()
        .all(|byte| byte.is_ascii_digit());
    if has_only_digits {
        return text.len() <= MAX_DIGITS;
    }
    number.as_f64().is_some_and(|value| value.abs() <= MAX_EXACT)
}

/// Whether a number is whole by its value, read from its digits.
fn is_whole(text: &str) -> bool {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return true;
    }
    let zeros = digits.len() - significant.len();
    match exponent.parse::<i64>() {
        // The last digit that is not zero stands for ten to the power of this.
        Ok(exponent) => {
            let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
            let zeros = i64::try_from(zeros).unwrap_or(i64::MAX);
            exponent.saturating_add(zeros) >= places
        }
        Err(_) => !exponent.starts_with('-'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_by_value() {
        for text in [
            "0", "-0.0", "0e-5", "1", "1.0", "10e-1", "1.5e1", "1e400", "-120.00",
        ] {
            assert!(is_whole(text), "{text}");
        }
        for text in [
            "0.5",
            "1e-1",
            "15e-1",
            "1.0000000000000000000001",
            "-1.25e1",
            "1e-999999999999999999999",
        ] {
            assert!(!is_whole(text), "{text}");
        }
    }
}
