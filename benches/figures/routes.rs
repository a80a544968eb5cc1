//! A log that knows a million routes, beside one that knows ten.

use std::path::Path;

use rand::RngExt as _;
use tramline::log::RouteId;
use tramline::log::StateKind;
use tramline::log::StateRecord;

use super::direct;
use super::direct::BUS;
use super::direct::Direct;
use super::options::Options;
use super::process;
use super::statistics::median;
use super::statistics::rate;
use super::statistics::ratio;
use super::table::Row;
use super::table::Table;

/// Routes that the log knows.
const MANY: u64 = 1_000_000;
/// Routes that each event takes.
const TAKEN: u64 = 10;
const PRODUCERS: usize = 64;
/// Throughput against that with ten routes.
const LEAST: f64 = 0.9;
/// Bytes of memory for a route that has nothing to do.
const PER_ROUTE: f64 = 200.0;

/// Throughput, memory and files.
pub(crate) async fn measure(options: &Options, table: &mut Table) {
    let few = Direct::new();
    open(&few, TAKEN).await;
    let before = process::resident(std::process::id());
    let many = Direct::new();
    open(&many, MANY).await;
    let grown = process::resident(std::process::id()).saturating_sub(before);
    let first = || (1..=TAKEN).map(RouteId).collect::<Vec<_>>();
    let any = || {
        let mut rng = rand::rng();
        let mut taken: Vec<u64> = (0..TAKEN).map(|_| rng.random_range(1..=MANY)).collect();
        taken.sort_unstable();
        taken.dedup();
        taken.into_iter().map(RouteId).collect::<Vec<_>>()
    };
    let (mut few_rates, mut many_rates, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.rounds() {
        let of_few = direct::produce(&few.log, PRODUCERS, options.round(), first).await;
        let of_many = direct::produce(&many.log, PRODUCERS, options.round(), any).await;
        let (few, many) = (of_few.count(), of_many.count());
        ratios.push(ratio(many, few));
        few_rates.push(rate(few, options.round()));
        many_rates.push(rate(many, options.round()));
    }
    let compared = median(ratios);
    table.add(Row {
        name: format!("append, {TAKEN} routes of {MANY} known"),
        rate: Some(median(many_rates)),
        bar: Some((
            format!("{compared:.2} of {:.0}/s with {TAKEN} known", median(few_rates)),
            format!("at least {LEAST}"),
            compared >= LEAST,
        )),
        ..Row::default()
    });
    let each = ratio(grown, MANY);
    table.add(Row {
        name: "  memory of a route that has nothing to do".to_owned(),
        bar: Some((
            format!("{each:.0} bytes"),
            format!("under {PER_ROUTE}"),
            each < PER_ROUTE,
        )),
        ..Row::default()
    });
    let segments = |direct: &Direct| direct.log.stats().segments as u64;
    let extra = |direct: &Direct| files(direct.dir()) as u64 - 2 * segments(direct);
    table.add(Row {
        name: "  files beside segments and their indexes".to_owned(),
        bar: Some((
            format!("{} and {}", extra(&many), extra(&few)),
            "equal but for the index being written".to_owned(),
            extra(&many).abs_diff(extra(&few)) <= 1,
        )),
        ..Row::default()
    });
}

async fn open(direct: &Direct, count: u64) {
    for first in (1..=count).step_by(10_000) {
        let opened = (first..(first + 10_000).min(count + 1)).map(|route| StateRecord {
            route: RouteId(route),
            bus: BUS,
            payload: format!(r#"{{"bus":"default","rule":"rule-{route}","target":"hook"}}"#).into(),
            ..StateRecord::new(StateKind::RouteOpened)
        });
        direct
            .log
            .record(opened.collect())
            .await
            .expect("routes are opened");
    }
}

fn files(dir: &Path) -> usize {
    let entries = std::fs::read_dir(dir).expect("a directory");
    let count = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path) } else { 1 }
    };
    entries.map(count).sum()
}
