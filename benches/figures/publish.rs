//! Durable publishes over HTTP, beside the bare HTTP stack and the bare disk.

use super::ceiling::Ceiling;
use super::disk::Disk;
use super::load;
use super::load::Measured;
use super::options::Options;
use super::payload::Payload;
use super::server::Server;
use super::statistics;
use super::statistics::median;
use super::table::Row;
use super::table::Table;

/// Events of a batch.
const BATCH: usize = 100;
/// Connections that send batches: enough that groups form while the last is synced.
const BATCH_CONNECTIONS: usize = 16;
/// A machine whose disk could do more need not do more than so many events a second in batches.
const BATCH_ENOUGH: f64 = 100_000.0;
/// Otherwise batches come to this part of what the disk could do.
const BATCH_OF_DISK: f64 = 0.4;

/// The rounds of one kind of peer.
#[derive(Default)]
struct Rounds {
    rate: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Rounds {
    fn add(&mut self, measured: &Measured) {
        self.rate.push(measured.events_per_second);
        self.p50.push(measured.latencies.percentile(50));
        self.p99.push(measured.latencies.percentile(99));
    }

    /// The median of the ratios within each round: what slows a round slows both.
    fn ratio(&self, other: &[f64]) -> f64 {
        median(
            self.rate
                .iter()
                .zip(other)
                .map(|(own, other)| own / other)
                .collect(),
        )
    }

    fn row(self, name: String, bar: Option<(String, String, bool)>) -> Row {
        Row {
            name,
            rate: Some(median(self.rate)),
            latency: Some((median(self.p50), median(self.p99))),
            bar,
        }
    }
}

/// What the bare disk would have done with the groups of each round.
#[derive(Default)]
struct DiskRounds {
    events: Vec<f64>,
    group_events: Vec<f64>,
    group_ms: Vec<f64>,
}

impl DiskRounds {
    fn row(self, kind: &str) -> Row {
        let (group, ms) = (median(self.group_events), median(self.group_ms));
        Row {
            name: format!("  disk, groups of {group:.0} {kind}, {ms:.2} ms each"),
            rate: Some(median(self.events)),
            ..Row::default()
        }
    }
}

/// Single events; `bar` is the least part of the ceiling.
pub(crate) async fn singles(options: &Options, connections: usize, bar: f64, table: &mut Table) {
    let (server, ceiling) = (Server::start(None).await, Ceiling::start().await);
    let (disk, payload) = (Disk::new(server.dir()), Payload::single());
    let (warm_up, round) = (options.warm_up(), options.round());
    let (mut own, mut bare, mut group) = (Rounds::default(), Rounds::default(), DiskRounds::default());
    for _ in 0..options.rounds() {
        own.add(&beside_disk(options, &server, &disk, connections, &payload, &mut group).await);
        bare.add(&load::run(ceiling.address, connections, &payload, warm_up, round).await);
    }
    let ratio = own.ratio(&bare.rate);
    let compared = format!("{ratio:.2} of the ceiling");
    let verdict = (compared, format!("at least {bar}"), ratio >= bar);
    table.add(own.row(format!("publish, {connections} connections"), Some(verdict)));
    table.add(bare.row("  ceiling, bare HTTP without a log".to_owned(), None));
    table.add(group.row("events"));
}

/// Batches of 100 events.
pub(crate) async fn batches(options: &Options, table: &mut Table) {
    let server = Server::start(None).await;
    let (disk, payload) = (Disk::new(server.dir()), Payload::batch(BATCH));
    let (mut own, mut group) = (Rounds::default(), DiskRounds::default());
    for _ in 0..options.rounds() {
        own.add(&beside_disk(options, &server, &disk, BATCH_CONNECTIONS, &payload, &mut group).await);
    }
    let (rate, ratio) = (median(own.rate.clone()), own.ratio(&group.events));
    let bar = format!("at least {BATCH_ENOUGH}/s or {BATCH_OF_DISK}");
    let holds = rate >= BATCH_ENOUGH || ratio >= BATCH_OF_DISK;
    let verdict = (format!("{ratio:.2} of the disk"), bar, holds);
    let name = format!("publish, batches of {BATCH}, {BATCH_CONNECTIONS} connections");
    table.add(own.row(name, Some(verdict)));
    table.add(group.row("events"));
}

/// One round of the server, then the disk with the groups that the server had.
async fn beside_disk(
    options: &Options,
    server: &Server,
    disk: &Disk,
    connections: usize,
    payload: &Payload,
    rounds: &mut DiskRounds,
) -> Measured {
    let before = server.synced().await;
    let measured = load::run(
        server.address,
        connections,
        payload,
        options.warm_up(),
        options.round(),
    )
    .await;
    let after = server.synced().await;
    let groups = disk.groups_per_second(before, after, options.disk_round());
    // A stored event has nearly the size of a published one; what its frame adds is below 10 %.
    let event_bytes = super::payload::EVENT_BYTES as u64;
    let events = statistics::ratio(
        after.bytes - before.bytes,
        event_bytes * (after.groups - before.groups).max(1),
    );
    rounds.events.push(groups * events);
    rounds.group_events.push(events);
    rounds.group_ms.push(1_000.0 / groups);
    measured
}
