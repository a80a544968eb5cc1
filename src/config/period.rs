//! Settings that are times: `7d`, `50ms`, and when an acknowledgement is sent.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::duration;

/// Longest time between an acknowledgement and its sync.
const LONGEST_INTERVAL: Duration = Duration::from_secs(10);

/// A time such as `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period(pub Duration);

/// When a publish is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Fsync {
    /// After its sync.
    Always,
    /// After its write; the sync follows within this time.
    Interval(Duration),
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = duration::parse(text).filter(|period| !period.is_zero());
        parsed
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no time such as 7d, 12h or 30m"))
    }
}

impl FromStr for Fsync {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "always" {
            return Ok(Self::Always);
        }
        let interval = text.strip_prefix("interval:").and_then(duration::parse);
        interval
            .filter(|interval| !interval.is_zero() && *interval <= LONGEST_INTERVAL)
            .map(Self::Interval)
            .ok_or_else(|| format!("`{text}` is neither `always` nor `interval:` with a time up to 10s"))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&duration::format(self.0))
    }
}

impl fmt::Display for Fsync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_str("always"),
            Self::Interval(interval) => write!(f, "interval:{}", duration::format(*interval)),
        }
    }
}

impl TryFrom<String> for Period {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl TryFrom<String> for Fsync {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

impl From<Fsync> for String {
    fn from(fsync: Fsync) -> Self {
        fsync.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_and_nonsense_is_refused_with_an_example() {
        for text in ["always", "interval:50ms", "interval:10s"] {
            assert_eq!(text.parse::<Fsync>().unwrap().to_string(), text);
        }
        for text in ["never", "interval", "interval:0s", "interval:11s", "interval:5"] {
            assert!(text.parse::<Fsync>().unwrap_err().contains("always"), "{text}");
        }
        assert_eq!("7d".parse::<Period>().unwrap().to_string(), "7d");
        assert!("0s".parse::<Period>().unwrap_err().contains("7d"));
    }
}
