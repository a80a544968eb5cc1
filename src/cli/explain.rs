//! `rules explain`: which rules an event matches, and of the others the condition that decided.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use super::args::ExplainArgs;
use super::error::CliError;
use super::output;
use crate::catalog::Issue;
use crate::catalog::Rule;
use crate::catalog::RulesFile;
use crate::catalog::Source;
use crate::filter;
use crate::pattern::NearMiss;
use crate::routing::Sample;

/// A rule with where it was read.
#[derive(Clone, Copy)]
struct Read<'a> {
    file: &'a RulesFile,
    index: usize,
    rule: &'a Rule,
}

/// Prints the rules that match, then the others, the nearest first.
///
/// Ends with 1 when none matches.
pub(super) fn run(args: &ExplainArgs, sources: &[Source]) -> Result<ExitCode, CliError> {
    let sample = Sample::read(&event(&args.event)?).map_err(|error| CliError::input(error.to_string()))?;
    let files = sources.iter().flat_map(|source| &source.files);
    let rules = files.flat_map(|file| {
        let rules = file.rules.iter().enumerate();
        rules.map(move |(index, rule)| Read { file, index, rule })
    });
    let is_wanted = |read: &Read<'_>| {
        args.rule
            .as_ref()
            .is_none_or(|name| read.rule.name.as_str() == name)
    };
    let rules: Vec<_> = rules.filter(is_wanted).collect();
    if rules.is_empty() {
        return Err(CliError::input("there is no such rule in the files".to_owned()));
    }
    let misses = sample.with_view(|view| {
        let rules = rules.iter().map(|read| (*read, &read.rule.wanted));
        filter::nearest_misses(rules, view, usize::MAX)
    });
    let mut matched = 0;
    for read in &rules {
        if !misses.iter().any(|miss| std::ptr::eq(miss.rule.rule, read.rule)) {
            matched += 1;
            output::print(&format!("matches  {}", read.rule.name))?;
        }
    }
    for miss in &misses {
        output::print(&told(miss))?;
    }
    Ok(ExitCode::from(u8::from(matched == 0)))
}

/// One miss: the rule, where its decisive condition is written, what it wants and what is there.
fn told(miss: &NearMiss<Read<'_>>) -> String {
    let Read { file, index, rule } = miss.rule;
    let failed = &miss.failed;
    let pointer = format!("/rules/{index}/match{}", failed.pointer);
    let place = file.place(&Issue::new(pointer.clone(), "no-match", ""));
    let place = place.map_or(pointer, |place| {
        let file = place.file.unwrap_or_default();
        format!("{file}:{}:{}", place.line, place.column)
    });
    format!(
        "misses   {}: {} has {}, expected {} ({place})",
        rule.name, failed.path, failed.found, failed.expected
    )
}

fn event(path: &Path) -> Result<Vec<u8>, CliError> {
    let read = if path == Path::new("-") {
        let mut text = Vec::new();
        std::io::stdin().read_to_end(&mut text).map(|_| text)
    } else {
        std::fs::read(path)
    };
    read.map_err(|error| CliError::input(format!("{}: {error}", path.display())))
}
