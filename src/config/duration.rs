//! Durations as people write them: `100ms`, `5s`, `10m`, `24h`, `7d`.

use std::time::Duration;

/// Reads a whole number with one unit. `None` if it is anything else or beyond `u64` milliseconds.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number
        .parse::<u64>()
        .ok()?
        .checked_mul(milliseconds)
        .map(Duration::from_millis)
}

/// Writes a duration with the largest unit that keeps it a whole number.
pub(crate) fn format(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    // `24h` is how people write a day's bound, so days begin at two.
    let fits = |(size, unit): &(u128, &str)| {
        milliseconds > 0 && milliseconds.is_multiple_of(*size) && (*unit != "d" || milliseconds / size > 1)
    };
    match units.into_iter().find(fits) {
        Some((size, unit)) => format!("{}{unit}", milliseconds / size),
        None => format!("{milliseconds}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_read() {
        for (text, milliseconds) in [
            ("100ms", 100),
            ("5s", 5_000),
            ("10m", 600_000),
            ("24h", 86_400_000),
            ("7d", 604_800_000),
        ] {
            let duration = parse(text).unwrap();
            assert_eq!(duration, Duration::from_millis(milliseconds));
            assert_eq!(format(duration), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "5",
            "s",
            "5 s",
            "-5s",
            "+5s",
            "1.5s",
            "5S",
            "1h30m",
            "999999999999999999d",
            "５s",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
