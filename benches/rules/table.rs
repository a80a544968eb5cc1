//! What is printed, and whether all bars hold.

use std::process::ExitCode;

/// Lines, printed as they are measured.
pub(crate) struct Table {
    missed: usize,
}

impl Table {
    /// Prints the head.
    pub(crate) fn new() -> Self {
        println!(
            "{:<28} {:>11} {:>11} {:>7} {:>6}  {:<6} {:>11}",
            "scenario", "V events/s", "events/s", "ratio", "bar", "", "peer"
        );
        Self { missed: 0 }
    }

    /// A rate beside V, with its bar and what the peer does.
    pub(crate) fn rate(&mut self, name: &str, reading: f64, ours: f64, bar: Option<f64>, peer: Option<f64>) {
        let ratio = ours / reading;
        let verdict = bar.map_or("", |bar| self.verdict_of(ratio >= bar));
        let bar = bar.map(|bar| format!("{bar:.2}")).unwrap_or_default();
        let peer = peer.map(|peer| format!("{peer:.0}")).unwrap_or_default();
        println!("{name:<28} {reading:>11.0} {ours:>11.0} {ratio:>7.2} {bar:>6}  {verdict:<6} {peer:>11}");
    }

    /// Any other figure, which must not be above its bar.
    pub(crate) fn at_most(&mut self, name: &str, value: f64, bar: f64, unit: &str) {
        let verdict = self.verdict_of(value <= bar);
        println!("{name:<52} {value:>7.2} {bar:>6}  {verdict:<6} {unit}");
    }

    fn verdict_of(&mut self, holds: bool) -> &'static str {
        if holds {
            return "ok";
        }
        self.missed += 1;
        "missed"
    }

    /// Failure if a bar was missed.
    pub(crate) fn verdict(&self) -> ExitCode {
        if self.missed == 0 {
            ExitCode::SUCCESS
        } else {
            println!("{} bars missed", self.missed);
            ExitCode::FAILURE
        }
    }
}
