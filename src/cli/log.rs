//! `log inspect` and `log verify`: look into a log on disk, without a server.

use std::process::ExitCode;

use serde_json::json;

use super::args::LogArgs;
use super::args::LogVerb;
use super::args::Output;
use super::error::CliError;
use super::output;
use super::output::Rows;
use crate::clock::rfc3339;
use crate::log;
use crate::log::Damage;
use crate::log::FrameSummary;

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
    }
}

fn inspect(args: &LogArgs) -> Result<ExitCode, CliError> {
    let mut rows = Rows::new(args.output, COLUMNS);
    let mut written = Ok(());
    let report = log::inspect(&args.data_dir, &mut |frame| {
        if written.is_ok() {
            let row = frame_json(&frame);
            written = rows.add(&row, &cells(&row));
        }
    });
    let report = report.map_err(|error| CliError::of(&error, false))?;
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

fn verify(args: &LogArgs) -> Result<ExitCode, CliError> {
    let report = log::verify(&args.data_dir).map_err(|error| CliError::of(&error, false))?;
    let buses = report
        .buses
        .iter()
        .map(|(bus, range)| json!({ "bus": bus.0, "first": range.start, "next": range.end }));
    let buses: Vec<_> = buses.collect();
    if args.output == Output::Table {
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
        for (bus, range) in &report.buses {
            output::print(&format!(
                "bus {}: sequences {} to {}",
                bus.0,
                range.start,
                range.end - 1
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
    } else {
        let damage: Vec<_> = report.damage.iter().map(ToString::to_string).collect();
        let answer = json!({
            "in_use": report.in_use, "segments": report.segments, "frames": report.frames, "events": report.events,
            "states": report.states, "buses": buses, "torn_bytes": report.torn_bytes, "damage": damage,
        });
        output::json(&answer, args.output)?;
    }
    Ok(tell_damage(&report.damage))
}

/// Says each damaged range; damage is a no.
fn tell_damage(damage: &[Damage]) -> ExitCode {
    for damage in damage {
        eprintln!("tramline: damage: {damage}");
    }
    ExitCode::from(u8::from(!damage.is_empty()))
}
