//! Reading a cold log from its beginning, beside reading its files.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use super::direct;
use super::direct::BUS;
use super::direct::Direct;
use super::options::Options;
use super::statistics::median;
use super::statistics::rate;
use super::statistics::ratio;
use super::table::Row;
use super::table::Table;

/// Bytes read at once, from files and by the log.
const CHUNK: usize = 1 << 20;
/// Throughput against that of the files.
const LEAST: f64 = 0.7;

/// Alternates between the two, each time after the cache was emptied.
pub(crate) async fn measure(options: &Options, table: &mut Table) {
    let direct = Direct::new();
    direct::fill(&direct.log, options.large_log()).await;
    let folder = direct.dir().join("data/log");
    let (mut rates, mut ratios) = (Vec::new(), Vec::new());
    let mut is_cold = true;
    for _ in 0..options.rounds().min(3) {
        is_cold &= empty_cache();
        let (bytes, of_files) = read_files(&folder);
        is_cold &= empty_cache();
        let log = direct.log.clone();
        let replayed = tokio::task::spawn_blocking(move || {
            let (started, mut next, mut events) = (Instant::now(), 1, 0_u64);
            loop {
                let read = log.read(BUS, next, 4096, 4 << 20).expect("a read");
                let Some(last) = read.last() else { break };
                next = last.sequence + 1;
                events += read.len() as u64;
            }
            (events, started.elapsed())
        });
        let (events, of_log) = replayed.await.expect("a replay");
        rates.push(rate(events, of_log));
        ratios.push(of_files.as_secs_f64() / of_log.as_secs_f64());
        eprintln!("  {} MiB: files {of_files:.2?}, log {of_log:.2?}", bytes >> 20);
    }
    let compared = median(ratios);
    let size = ratio(options.large_log(), 1 << 30);
    let state = if is_cold {
        "cold"
    } else {
        "warm: the cache cannot be emptied here"
    };
    table.add(Row {
        name: format!("replay of {size:.2} GiB, {state}"),
        rate: Some(median(rates)),
        bar: Some((
            format!("{compared:.2} of reading the files"),
            format!("at least {LEAST}"),
            compared >= LEAST,
        )),
        ..Row::default()
    });
}

/// Reads all segments with a checksum over each piece.
fn read_files(folder: &Path) -> (u64, Duration) {
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    paths.sort();
    let (started, mut bytes, mut sum) = (Instant::now(), 0, 0);
    let mut buffer = vec![0; CHUNK];
    for path in paths {
        let file = File::open(path).expect("a segment");
        let mut at = 0;
        loop {
            let read = file.read_at(&mut buffer, at).expect("a read");
            if read == 0 {
                break;
            }
            sum ^= crc32c::crc32c(buffer.get(..read).expect("what was read"));
            at += read as u64;
        }
        bytes += at;
    }
    assert_ne!(sum, u32::MAX, "the checksum is used");
    (bytes, started.elapsed())
}

/// False where that is not allowed.
fn empty_cache() -> bool {
    std::fs::write("/proc/sys/vm/drop_caches", "1").is_ok()
}
