//! Numbers as patterns compare them.
//!
//! A number counts as the IEEE double nearest to it if that double, written in its shortest form,
//! is the very number: `5`, `5.0` and `50e-1` are one. A number no double can hold (2^53 + 1, a
//! 30-digit id, `1e400`) equals only its own spelling, and no range contains it; the exponent's `E`,
//! `e` and `e+` are one spelling, because JSON libraries do not keep them apart.

use std::fmt;

/// A number of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Number {
    spelling: String,
    /// The bits of the double that holds the number exactly, if one does.
    bits: Option<u64>,
}

impl Number {
    /// Takes the number as it was written.
    pub(super) fn new(number: &serde_json::Number) -> Self {
        let spelling = number.to_string();
        Self {
            bits: double(&spelling).map(f64::to_bits),
            spelling,
        }
    }

    /// The double that holds the number exactly, if one does; never `-0.0`.
    pub(super) fn value(&self) -> Option<f64> {
        self.bits.map(f64::from_bits)
    }

    /// What all spellings of the number have in common, if no double holds it.
    pub(super) fn plain_spelling(&self) -> String {
        plain_exponent(&self.spelling)
    }

    /// Whether the number found in an event is this one.
    pub(super) fn equals(&self, found: Written<'_>) -> bool {
        match (self.bits, found.value) {
            (Some(wanted), Some(found)) => wanted == found.to_bits(),
            (None, None) => self.plain_spelling() == found.plain_spelling(),
            _ => false,
        }
    }
}

/// A number of an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Written<'a> {
    /// As it stands there; empty for an integer that is an attribute.
    text: &'a str,
    /// The double that holds it exactly, if one does; never `-0.0`.
    value: Option<f64>,
}

impl<'a> Written<'a> {
    /// Takes the number as it was written.
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            value: double(text),
        }
    }

    /// The double that holds the number exactly, if one does; never `-0.0`.
    pub(super) fn value(&self) -> Option<f64> {
        self.value
    }

    /// What all spellings of the number have in common, if no double holds it.
    pub(super) fn plain_spelling(&self) -> String {
        plain_exponent(self.text)
    }
}

impl From<i32> for Written<'_> {
    fn from(number: i32) -> Self {
        Self {
            text: "",
            value: Some(number.into()),
        }
    }
}

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Some(value) if self.text.is_empty() => write!(f, "{value}"),
            _ => f.write_str(self.text),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelling)
    }
}

/// A comparison with a bound, as in `>= 5`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Bound {
    /// The side of the limit that is wanted.
    pub(super) comparison: Comparison,
    /// The limit; a double holds it, or nothing is within the bound.
    pub(super) limit: Number,
}

/// The side of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Comparison {
    Equal,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Comparison {
    /// Reads the operator as patterns write it.
    pub(super) fn parse(operator: &str) -> Option<Self> {
        Some(match operator {
            "=" => Self::Equal,
            "<" => Self::Less,
            "<=" => Self::AtMost,
            ">" => Self::More,
            ">=" => Self::AtLeast,
            _ => return None,
        })
    }

    fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }
}

impl Bound {
    fn admits(&self, value: f64) -> bool {
        let Some(limit) = self.limit.value() else {
            return false;
        };
        let order = value.total_cmp(&limit);
        match self.comparison {
            Comparison::Equal => order.is_eq(),
            Comparison::Less => order.is_lt(),
            Comparison::AtMost => order.is_le(),
            Comparison::More => order.is_gt(),
            Comparison::AtLeast => order.is_ge(),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.comparison.symbol(), self.limit)
    }
}

/// Whether the number is within all bounds; one that no double holds is within none.
pub(super) fn within(bounds: &[Bound], found: Written<'_>) -> bool {
    found
        .value
        .is_some_and(|value| bounds.iter().all(|bound| bound.admits(value)))
}

/// The double that is exactly the number written as `text`; never `-0.0`.
fn double(text: &str) -> Option<f64> {
    if let Some(value) = short(text) {
        return Some(value);
    }
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    (Decimal::parse(text)? == Decimal::parse(&format!("{value:e}"))?).then_some(value + 0.0)
}

/// The double of a number without exponent and of so few digits that any is exact.
///
/// Both the digits and the power of ten are doubles then, so the one division rounds correctly.
fn short(text: &str) -> Option<f64> {
    const ALWAYS_EXACT: usize = 15;
    const POWERS: [f64; 16] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    let bytes = text.as_bytes();
    let (negative, digits) = match bytes.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, bytes),
    };
    if digits.len() > ALWAYS_EXACT || digits.is_empty() {
        return None;
    }
    let mut all = 0_i64;
    let mut point = None;
    for (at, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => all = all * 10 + i64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let fraction = point.map_or(0, |point| digits.len() - 1 - point);
    #[expect(clippy::cast_precision_loss, reason = "so few digits lose none")]
    let value = all as f64 / POWERS.get(fraction)?;
    Some(if negative { 0.0 - value } else { value })
}

/// The text with its exponent introduced by a bare `e`.
fn plain_exponent(text: &str) -> String {
    text.replace('E', "e").replace("e+", "e")
}

/// A decimal number in its one normal form: no zeros at either end.
#[derive(PartialEq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// `None` when the exponent is beyond counting.
    fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{}{fraction}", whole.trim_start_matches('-'));
        let kept = all.trim_end_matches('0');
        let digits = kept.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits,
                exponent: 0,
            });
        }
        let shift = i64::try_from(all.len() - kept.len()).ok()? - i64::try_from(fraction.len()).ok()?;
        let exponent = exponent.parse::<i64>().ok()?.checked_add(shift)?;
        Some(Self {
            negative: text.starts_with('-'),
            digits,
            exponent,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        Number::new(&serde_json::from_str(a).unwrap()).equals(Written::new(b))
    }

    #[test]
    fn spellings_of_one_double_are_equal() {
        for (a, b) in [
            ("5", "5.0"),
            ("5", "50e-1"),
            ("0", "-0.0"),
            ("300", "3.0e2"),
            ("0", "0e99999999999999999999"),
            ("1E+3", "1000"),
            ("0.1", "0.100000000000000000000"),
            ("9007199254740992", "9.007199254740992e15"),
        ] {
            assert!(same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn short_numbers_are_read_as_the_library_reads_them() {
        for text in [
            "0",
            "-0",
            "-0.0",
            "1",
            "-1.5",
            "0.1",
            "0.3",
            "123456.789",
            "99999999999999",
            "0.0000000000001",
            "-1.10",
        ] {
            let expected: f64 = text.parse().unwrap();
            assert_eq!(short(text), Some(expected + 0.0), "{text}");
            assert!(
                !short(text).unwrap().is_sign_negative() || expected < 0.0,
                "{text}"
            );
        }
        for text in ["", "-", "1e5", "1.2.3", "x", "1234567890123456"] {
            assert_eq!(short(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_beyond_doubles_equal_only_their_spelling() {
        for text in [
            "9007199254740993",
            "123456789012345678901234567890",
            "1e400",
            "1e-400",
        ] {
            assert!(same(text, text), "{text}");
            assert!(!same(text, &format!("{text}0")), "{text}");
        }
        assert!(!same("9007199254740993", "9007199254740992"));
        assert!(!same("9007199254740992", "9007199254740993"));
        assert!(same("1e400", "1E+400"));
        assert!(!same("1e-400", "0"));
        assert!(!same("1e99999999999999999999", "1e400"));
    }
}
