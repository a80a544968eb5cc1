//! Exact numbers: a JSON number by its value, whatever its spelling.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::One as _;
use num_traits::Zero as _;
use serde_json::Number;

/// Decimal places and digits beyond which a number is not worked with: `1e999999999` has as many digits.
const MAX_DIGITS: usize = 1_000;

/// The exact value; none if it has more digits than anyone needs.
pub(super) fn exact(number: &Number) -> Option<BigRational> {
    let text = number.to_string();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text.as_str(), 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let places = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    if digits.len() > MAX_DIGITS || places.unsigned_abs() as usize > MAX_DIGITS {
        return None;
    }
    let digits = BigRational::from_integer(digits.parse::<BigInt>().ok()?);
    let scale = BigRational::from_integer(BigInt::from(10).pow(places.unsigned_abs()));
    Some(if places >= 0 {
        digits / scale
    } else {
        digits * scale
    })
}

/// The exact value of a limit, if the validator, which keeps limits in 64 bits, holds the same one.
pub(super) fn exact_limit(number: &Number) -> Option<BigRational> {
    let value = exact(number)?;
    if number.is_i64() || number.is_u64() {
        return Some(value);
    }
    let kept = number.as_f64().and_then(Number::from_f64)?;
    (exact(&kept)? == value).then_some(value)
}

/// The number as JSON; none if its decimals do not end.
pub(super) fn written(value: &BigRational) -> Option<Number> {
    let ten = BigInt::from(10);
    let mut places = 0;
    let mut scaled = value.clone();
    while !scaled.is_integer() {
        places += 1;
        scaled *= BigRational::from_integer(ten.clone());
        if places > MAX_DIGITS {
            return None;
        }
    }
    let digits = scaled.to_integer().to_string();
    let (sign, digits) = digits
        .strip_prefix('-')
        .map_or(("", digits.as_str()), |rest| ("-", rest));
    let text = if places == 0 {
        format!("{sign}{digits}")
    } else {
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at_checked(padded.len() - places)?;
        format!("{sign}{whole}.{fraction}")
    };
    serde_json::from_str(&text).ok()
}

/// The least positive number that is a multiple of both.
pub(super) fn common_multiple(a: &BigRational, b: &BigRational) -> BigRational {
    if a.is_zero() || b.is_zero() {
        return BigRational::one();
    }
    let numerator = num_integer::lcm(a.numer().clone(), b.numer().clone());
    let denominator = num_integer::gcd(a.denom().clone(), b.denom().clone());
    BigRational::new(numerator, denominator)
}

/// Whether `value` is a whole number of times `step`.
pub(super) fn is_multiple(value: &BigRational, step: &BigRational) -> bool {
    !step.is_zero() && (value / step).is_integer()
}
