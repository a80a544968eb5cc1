//! What to measure and for how long.

use std::env;
use std::time::Duration;

/// The argument that makes this program the ceiling's server.
pub(crate) const CEILING: &str = "--serve-ceiling";

/// The argument that makes this program the bare loop of calls.
pub(crate) const CALLER: &str = "--call";

/// The command line and the environment.
pub(crate) struct Options {
    /// This process is the ceiling's server.
    pub(crate) is_ceiling: bool,
    /// This process is the bare loop of calls.
    pub(crate) is_caller: bool,
    /// A smoke test: short, and no bar is enforced.
    pub(crate) is_quick: bool,
    only: Option<String>,
}

impl Options {
    /// Reads both; arguments of Cargo's own, such as `--bench`, mean nothing here.
    pub(crate) fn from_environment() -> Self {
        let args: Vec<String> = env::args().collect();
        let has = |flag: &str| args.iter().any(|arg| arg == flag);
        let only = args.iter().skip_while(|arg| *arg != "--only").nth(1);
        Self {
            is_ceiling: has(CEILING),
            is_caller: has(CALLER),
            is_quick: has("--quick"),
            only: only.cloned(),
        }
    }

    /// Whether the figure of this name is asked for.
    pub(crate) fn wants(&self, figure: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == figure)
    }

    /// Rounds of each comparison.
    pub(crate) const fn rounds(&self) -> usize {
        if self.is_quick { 1 } else { 5 }
    }

    /// Measured time of one round.
    pub(crate) const fn round(&self) -> Duration {
        Duration::from_millis(if self.is_quick { 500 } else { 3_000 })
    }

    /// Time before a round in which nothing is counted.
    pub(crate) const fn warm_up(&self) -> Duration {
        Duration::from_millis(if self.is_quick { 100 } else { 500 })
    }

    /// Time of one round of the bare group loop.
    pub(crate) const fn disk_round(&self) -> Duration {
        Duration::from_millis(if self.is_quick { 200 } else { 1_000 })
    }

    /// Bytes of a large log.
    pub(crate) const fn large_log(&self) -> u64 {
        if self.is_quick { 256 << 20 } else { 4 << 30 }
    }

    /// Events that a route is behind.
    pub(crate) const fn backlog(&self) -> u64 {
        if self.is_quick { 100_000 } else { 5_000_000 }
    }

    /// Deliveries of one round.
    pub(crate) const fn deliveries(&self) -> u64 {
        if self.is_quick { 10_000 } else { 100_000 }
    }

    /// Rules beside which one more is put.
    pub(crate) const fn rules(&self, all: usize) -> usize {
        if self.is_quick { all / 20 } else { all }
    }

    /// Types of the large registry.
    pub(crate) const fn types(&self, all: usize) -> usize {
        if self.is_quick { all / 20 } else { all }
    }

    /// Time of one round of the fast route.
    pub(crate) const fn neighbours(&self) -> Duration {
        Duration::from_secs(if self.is_quick { 2 } else { 10 })
    }

    /// Dead letters that are given back.
    pub(crate) const fn letters(&self) -> u64 {
        if self.is_quick { 20_000 } else { 1_000_000 }
    }

    /// Time of the delivery figure.
    pub(crate) fn delivery(&self) -> Duration {
        let seconds = env::var("FIGURES_DELIVERY_SECONDS")
            .ok()
            .and_then(|text| text.parse().ok());
        Duration::from_secs(seconds.unwrap_or(if self.is_quick { 2 } else { 30 }))
    }
}
