//! Rates as people write them: `100/s`, `60/m`, `10/h`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

/// The units a rate may be counted in.
const UNITS: [(&str, Duration); 3] = [
    ("s", Duration::from_secs(1)),
    ("m", Duration::from_mins(1)),
    ("h", Duration::from_hours(1)),
];
/// A larger rate means none.
const MOST: u32 = 1_000_000;

/// So many within a unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    count: u32,
    unit: Duration,
}

impl Rate {
    /// The time that `n` of them take.
    #[must_use]
    pub fn time_for(self, n: u64) -> Duration {
        let nanos = self.unit.as_nanos().saturating_mul(u128::from(n)) / u128::from(self.count);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How many of them this time is for, rounded down.
    #[must_use]
    pub fn count_in(self, time: Duration) -> u64 {
        let count = time.as_nanos().saturating_mul(u128::from(self.count)) / self.unit.as_nanos();
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (count, unit) = text.split_once('/')?;
            let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
            let is_plain = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
            let count: u32 = count.parse().ok().filter(|_| is_plain)?;
            let unit = *unit;
            (1..=MOST).contains(&count).then_some(Self { count, unit })
        };
        parse().ok_or_else(|| format!("`{text}` is no rate such as 100/s, 60/m or 10/h, up to {MOST}"))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.iter().find(|(_, unit)| *unit == self.unit);
        write!(f, "{}/{}", self.count, unit.map_or("s", |(name, _)| name))
    }
}

impl TryFrom<String> for Rate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_and_nonsense_is_refused_with_an_example() {
        for text in ["100/s", "1/s", "60/m", "10/h", "1000000/s"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "100",
            "0/s",
            "-1/s",
            "+1/s",
            "1.5/s",
            "1/d",
            "1000001/s",
            "100 / s",
        ] {
            assert!(text.parse::<Rate>().unwrap_err().contains("100/s"), "{text}");
        }
    }

    #[test]
    fn counts_and_times_fit_one_another() {
        let rate: Rate = "90/m".parse().unwrap();
        assert_eq!(rate.time_for(3), Duration::from_secs(2));
        assert_eq!(rate.count_in(Duration::from_secs(2)), 3);
        assert_eq!(rate.count_in(Duration::from_millis(600)), 0);
    }
}
