//! Durable appends at the log's own interface, beside a bare loop of write and sync.

use super::direct;
use super::direct::Direct;
use super::disk::Disk;
use super::groups::Groups;
use super::options::Options;
use super::statistics::median;
use super::statistics::rate;
use super::statistics::ratio;
use super::table::Row;
use super::table::Table;

use tramline::log::FileLayer;

/// Producers, and the least part of the loop's throughput, if there is a bar.
const PRODUCERS: [(usize, Option<f64>); 5] = [
    (1, None),
    (16, None),
    (64, Some(0.8)),
    (256, Some(0.8)),
    (1024, Some(0.8)),
];
/// One producer waits at most so many times as long as the loop does for one group.
const ALONE: f64 = 1.5;

/// Each number of producers in turn, five pairs of rounds each: with prepared segments, which is
/// what a log has, and with plain appends.
pub(crate) async fn measure(options: &Options, table: &mut Table) {
    let listener = Groups::listen();
    for (producers, bar) in PRODUCERS {
        let prepared = pairs(options, &listener, producers, FileLayer::Prepared).await;
        let compared = format!(
            "{:.2} of the loop, groups of {:.0}",
            prepared.ratio, prepared.group
        );
        let bar = match (producers, bar) {
            (1, _) => (
                format!("{:.2} of the loop's median wait", prepared.wait),
                format!("at most {ALONE}"),
                prepared.wait <= ALONE,
            ),
            (_, Some(bar)) => (compared, format!("at least {bar}"), prepared.ratio >= bar),
            (_, None) => (compared, "none".to_owned(), true),
        };
        table.add(prepared.row(format!("append 1 KiB, {producers} producers"), Some(bar)));
        let plain = pairs(options, &listener, producers, FileLayer::Plain).await;
        table.add(plain.row("  with plain appends".to_owned(), None));
    }
}

/// Medians of the rounds.
struct Measured {
    rate: f64,
    latency: (f64, f64),
    /// Of the loop's throughput.
    ratio: f64,
    /// In units of the loop's median time of a group.
    wait: f64,
    /// Events of a group.
    group: f64,
}

impl Measured {
    fn row(&self, name: String, bar: Option<(String, String, bool)>) -> Row {
        Row {
            name,
            rate: Some(self.rate),
            latency: Some(self.latency),
            bar,
        }
    }
}

/// Rounds of the log and of the loop by turns; the loop writes the groups that the log has written.
async fn pairs(options: &Options, listener: &Groups, producers: usize, layer: FileLayer) -> Measured {
    let direct = Direct::on(layer);
    let disk = Disk::new(direct.dir());
    let (mut rates, mut p50s, mut p99s) = (Vec::new(), Vec::new(), Vec::new());
    let (mut ratios, mut waits, mut groups) = (Vec::new(), Vec::new(), Vec::new());
    direct::produce(&direct.log, producers, options.warm_up(), Vec::new).await;
    for _ in 0..options.rounds() {
        listener.take();
        let latencies = direct::produce(&direct.log, producers, options.round(), Vec::new).await;
        let sizes = listener.take();
        let replayed = disk.replay(&sizes, options.disk_round());
        let own = ratio(sizes.iter().sum(), 1) / options.round().as_secs_f64();
        ratios.push(own / rate(replayed.bytes, replayed.took));
        rates.push(rate(latencies.count(), options.round()));
        waits.push(latencies.percentile(50) / replayed.groups.percentile(50));
        p50s.push(latencies.percentile(50));
        p99s.push(latencies.percentile(99));
        groups.push(ratio(latencies.count(), sizes.len() as u64));
    }
    Measured {
        rate: median(rates),
        latency: (median(p50s), median(p99s)),
        ratio: median(ratios),
        wait: median(waits),
        group: median(groups),
    }
}
