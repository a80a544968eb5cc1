//! What is printed, and whether all bars hold.

/// Rows in the order in which they were measured.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    missed: usize,
}

/// One line.
#[derive(Default)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) name: String,
    /// Events per second.
    pub(crate) rate: Option<f64>,
    /// Milliseconds, median and 99th percentile.
    pub(crate) latency: Option<(f64, f64)>,
    /// The compared value, what it must be, and whether it is.
    pub(crate) bar: Option<(String, String, bool)>,
}

impl Table {
    /// Adds a row and says so, since the next takes a while.
    pub(crate) fn add(&mut self, row: Row) {
        if let Some((_, _, false)) = row.bar {
            self.missed += 1;
        }
        eprintln!("{}", row.line());
        self.rows.push(row);
    }

    /// Whether no bar was missed.
    pub(crate) const fn holds(&self) -> bool {
        self.missed == 0
    }

    /// Prints everything.
    pub(crate) fn print(&self) {
        println!(
            "\n{:<44} {:>10} {:>9} {:>9}  {:<34} bar",
            "figure", "events/s", "p50 ms", "p99 ms", "compared"
        );
        for row in &self.rows {
            println!("{}", row.line());
        }
    }
}

impl Row {
    fn line(&self) -> String {
        let rate = self.rate.map(|rate| format!("{rate:.0}")).unwrap_or_default();
        let (p50, p99) = self
            .latency
            .map(|(p50, p99)| (format!("{p50:.2}"), format!("{p99:.2}")))
            .unwrap_or_default();
        let (compared, bar) = self
            .bar
            .as_ref()
            .map_or_else(Default::default, |(compared, bar, holds)| {
                let verdict = if *holds { "ok" } else { "below" };
                (compared.as_str(), format!("{bar}: {verdict}"))
            });
        let line = format!(
            "{:<44} {rate:>10} {p50:>9} {p99:>9}  {compared:<34} {bar}",
            self.name
        );
        line.trim_end().to_owned()
    }
}
