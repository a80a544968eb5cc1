//! `log inspect`, `log verify` and `log repair`: work on a log on disk, without a server.

use std::io::IsTerminal as _;
use std::ops::Range;
use std::path::Path;
use std::process::ExitCode;

use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use serde_json::json;

use super::args::LogArgs;
use super::args::LogVerb;
use super::args::Output;
use super::args::RepairArgs;
use super::error::CliError;
use super::output;
use super::output::Rows;
use crate::clock::rfc3339;
use crate::log;
use crate::log::BusId;
use crate::log::BusReport;
use crate::log::Damage;
use crate::log::FrameSummary;
use crate::log::LogError;
use crate::log::Progress;
use crate::log::VerifyReport;

/// The columns of a list of frames, wide enough for what is common.
const COLUMNS: [(&str, usize); 9] = [
    ("position", 12),
    ("bytes", 9),
    ("kind", 6),
    ("open", 4),
    ("time", 24),
    ("bus", 3),
    ("first", 9),
    ("events", 6),
    ("states", 6),
];

pub(super) fn run(verb: LogVerb) -> Result<ExitCode, CliError> {
    match verb {
        LogVerb::Inspect(args) => inspect(&args),
        LogVerb::Verify(args) => verify(&args),
        LogVerb::Repair(args) => repair(&args),
    }
}

fn inspect(args: &LogArgs) -> Result<ExitCode, CliError> {
    let mut rows = Rows::new(args.output, COLUMNS);
    let mut written = Ok(());
    let mut list = |frame: FrameSummary| {
        if written.is_ok() {
            let row = frame_json(&frame);
            written = rows.add(&row, &cells(&row));
        }
    };
    let report = if std::io::stdout().is_terminal() {
        // The list itself shows how far it is.
        log::inspect(&args.data_dir, &mut |_, _| {}, &mut list).map_err(|error| failed(&error))?
    } else {
        with_bar(|progress| log::inspect(&args.data_dir, progress, &mut list))?
    };
    written?;
    rows.end()?;
    if args.output == Output::Table {
        output::print(&format!(
            "log {}, opened {} times, {} bytes, {} of them known to be synced{}",
            report.uuid,
            report.open,
            report.end,
            report.watermark,
            if report.clean { ", closed in order" } else { "" }
        ))?;
    }
    Ok(tell_damage(&report.damage))
}

fn frame_json(frame: &FrameSummary) -> serde_json::Value {
    json!({
        "position": frame.position, "bytes": frame.len, "kind": format!("{:?}", frame.kind).to_lowercase(),
        "open": frame.open, "watermark": frame.watermark, "time": rfc3339(frame.time_ms), "bus": frame.bus.0,
        "first": frame.first_sequence, "events": frame.events, "states": frame.states,
        "gaps": frame.gaps.iter().map(|gap| lost_json(gap.bus, &gap.sequences)).collect::<Vec<_>>(),
    })
}

/// The cells of a frame under [`COLUMNS`].
fn cells(row: &serde_json::Value) -> [String; 9] {
    COLUMNS.map(|(column, _)| {
        row.get(column)
            .map(|value| value.to_string().trim_matches('"').to_owned())
            .unwrap_or_default()
    })
}

fn lost_json(bus: BusId, lost: &Range<u64>) -> serde_json::Value {
    json!({ "bus": bus.0, "first": lost.start, "next": lost.end })
}

/// Shows a bar on a terminal's stderr, nothing elsewhere, while `work` runs.
fn with_bar<T>(work: impl FnOnce(&mut Progress<'_>) -> Result<T, LogError>) -> Result<T, CliError> {
    let style = ProgressStyle::with_template("{bar:40} {percent:>3}% {bytes}/{total_bytes}, {eta} left");
    let bar = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let done = work(&mut |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    done.map_err(|error| failed(&error))
}

/// No log at all is "not found"; everything else says that the log could not be read.
fn failed(error: &LogError) -> CliError {
    match error {
        LogError::Io { source, path, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            CliError::not_found(format!(
                "there is no log in {}: no {}",
                dir_of(path),
                path.display()
            ))
        }
        _ => CliError::of(error, false),
    }
}

fn dir_of(path: &Path) -> String {
    path.parent().unwrap_or(Path::new(".")).display().to_string()
}

fn verify(args: &LogArgs) -> Result<ExitCode, CliError> {
    let report = with_bar(|progress| log::verify(&args.data_dir, progress))?;
    if args.output == Output::Table {
        tell_report(&report)?;
    } else {
        let damage: Vec<_> = report.damage.iter().map(ToString::to_string).collect();
        let buses: Vec<_> = report
            .buses
            .iter()
            .map(|(bus, report)| bus_json(*bus, report))
            .collect();
        let answer = json!({
            "in_use": report.in_use, "segments": report.segments, "frames": report.frames, "events": report.events,
            "states": report.states, "buses": buses, "torn_bytes": report.torn_bytes, "damage": damage,
            "damaged_slots": report.damaged_slots, "stale_indexes": report.stale_indexes,
            "bad_snapshots": report.bad_snapshots,
        });
        output::json(&answer, args.output)?;
    }
    Ok(tell_damage(&report.damage))
}

fn bus_json(bus: BusId, report: &BusReport) -> serde_json::Value {
    let ranges = |ranges: &[Range<u64>]| -> Vec<_> {
        ranges
            .iter()
            .map(|range| json!({ "first": range.start, "next": range.end }))
            .collect()
    };
    json!({
        "bus": bus.0, "first": report.sequences.start, "next": report.sequences.end, "read": report.read,
        "gaps": ranges(&report.gaps), "missing": ranges(&report.missing), "unaccounted": report.unaccounted(),
    })
}

fn tell_report(report: &VerifyReport) -> Result<(), CliError> {
    output::print(&format!(
        "{} segments, {} frames, {} events, {} state records{}",
        report.segments,
        report.frames,
        report.events,
        report.states,
        if report.in_use {
            " (in use: checked up to the watermark)"
        } else {
            ""
        }
    ))?;
    for (bus, report) in &report.buses {
        tell_bus(*bus, report)?;
    }
    for index in &report.stale_indexes {
        output::print(&format!(
            "stale index {}: delete it, the server builds it again",
            index.display()
        ))?;
    }
    for snapshot in &report.bad_snapshots {
        output::print(&format!(
            "bad snapshot {}: the next start passes over one that cannot be read",
            snapshot.display()
        ))?;
    }
    if report.torn_bytes > 0 {
        output::print(&format!(
            "{} bytes of an unfinished write at the end: the next start removes them",
            report.torn_bytes
        ))?;
    }
    if report.damage.is_empty() {
        output::print("no damage: every acknowledged byte is there")?;
    }
    Ok(())
}

fn tell_bus(bus: BusId, report: &BusReport) -> Result<(), CliError> {
    let Range { start, end } = report.sequences;
    output::print(&format!("bus {bus}: sequences {start} to {}", end - 1))?;
    for gap in &report.gaps {
        output::print(&format!(
            "bus {bus}: {} to {} are lost, on record since a repair",
            gap.start,
            gap.end - 1
        ))?;
    }
    let unaccounted = report.unaccounted();
    if unaccounted > 0 {
        output::print(&format!("bus {bus}: {unaccounted} sequences are unaccounted for"))?;
    }
    Ok(())
}

fn repair(args: &RepairArgs) -> Result<ExitCode, CliError> {
    let LogArgs { data_dir, output } = &args.log;
    if !args.quarantine {
        return Err(CliError::input(
            "a repair gives up what cannot be read: restore a backup if there is one; with --quarantine \
             the damaged bytes are moved aside and the lost events are put on record as gaps",
        ));
    }
    let report = with_bar(|progress| log::repair(data_dir, progress))?;
    let repaired: Vec<_> = report.repaired.iter().map(ToString::to_string).collect();
    if *output != Output::Table {
        let lost = report.repaired.iter().flat_map(|damage| &damage.missing);
        let lost: Vec<_> = lost.map(|lost| lost_json(lost.bus, &lost.sequences)).collect();
        let answer = json!({ "repaired": repaired, "gaps": lost, "quarantined": report.quarantined });
        output::json(&answer, *output)?;
        return Ok(ExitCode::SUCCESS);
    }
    if repaired.is_empty() {
        output::print("no damage: nothing was changed")?;
    }
    for damage in &repaired {
        output::print(&format!("set aside: {damage}"))?;
    }
    for path in &report.quarantined {
        output::print(&format!("the damaged bytes are in {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Says each damaged range; damage is a no.
fn tell_damage(damage: &[Damage]) -> ExitCode {
    for damage in damage {
        eprintln!("tramline: damage: {damage}");
    }
    ExitCode::from(u8::from(!damage.is_empty()))
}
