//! `rules check`, `test`, `explain`, `apply` and `list`.

use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use reqwest::Method;
use serde_json::Value;

use super::args::ApplyArgs;
use super::args::BusArgs;
use super::args::Output;
use super::args::RulesVerb;
use super::client::Client;
use super::error::CliError;
use super::explain;
use super::output;
use crate::api::PlanReply;
use crate::api::RuleList;
use crate::app;
use crate::catalog;
use crate::catalog::Issue;
use crate::catalog::Rule;
use crate::catalog::RuleTest;
use crate::catalog::Source;
use crate::clock::Clock as _;
use crate::clock::SystemClock;
use crate::pattern::MAX_COMPLEXITY;
use crate::routing::Sample;
use crate::transform::Chain;

pub(super) async fn run(verb: RulesVerb) -> Result<ExitCode, CliError> {
    match verb {
        RulesVerb::Check(args) => check(&args.paths),
        RulesVerb::Test(args) => test(&args.paths),
        RulesVerb::Explain(args) => explain::run(&args, &read(&args.paths)?),
        RulesVerb::Apply(args) => apply(&args).await,
        RulesVerb::List(args) => list(&args).await,
        RulesVerb::Schema => schema(),
    }
}

fn read(paths: &[PathBuf]) -> Result<Vec<Source>, CliError> {
    let texts = app::read_rules(paths).map_err(|error| CliError::of(&error, true))?;
    catalog::read_sources(&texts).map_err(|issues| {
        let rendered: Vec<_> = issues.iter().map(Issue::render).collect();
        CliError::input(format!(
            "{} in the rules\n{}",
            count(issues.len(), "error"),
            rendered.join("\n")
        ))
    })
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn check(paths: &[PathBuf]) -> Result<ExitCode, CliError> {
    let sources = read(paths)?;
    let rules: Vec<_> = sources
        .iter()
        .flat_map(|source| &source.files)
        .flat_map(|file| &file.rules)
        .collect();
    let costliest = rules
        .iter()
        .map(|rule| (rule.wanted.complexity(), rule.name.as_str()))
        .max();
    let complexity = costliest.map_or_else(String::new, |(points, name)| {
        format!(", complexity at most {points} of {MAX_COMPLEXITY} points ({name})")
    });
    output::print(&format!(
        "{} in {}: no errors{complexity}",
        count(rules.len(), "rule"),
        count(sources.len(), "file")
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn test(paths: &[PathBuf]) -> Result<ExitCode, CliError> {
    let (mut passed, mut failed) = (0, 0);
    for source in read(paths)? {
        for file in &source.files {
            for test in &file.tests {
                let faults = run_test(&file.rules, file.bus.as_str(), test);
                if faults.is_empty() {
                    passed += 1;
                    output::print(&format!("ok    {}: {}", source.name, test.name))?;
                } else {
                    failed += 1;
                    output::print(&format!(
                        "FAIL  {}: {}\n      {}",
                        source.name,
                        test.name,
                        faults.join("\n      ")
                    ))?;
                }
            }
        }
    }
    output::print(&format!("{passed} passed, {failed} failed"))?;
    Ok(ExitCode::from(u8::from(failed > 0)))
}

/// What differs from the test's expectation; nothing when it holds.
///
/// `expect` names exactly the rules that match. For each target, the members named must be in
/// the event that it would get.
fn run_test(rules: &[Rule], bus: &str, test: &RuleTest) -> Vec<String> {
    let sample = match Sample::read(test.event.to_string().as_bytes()) {
        Ok(sample) => sample,
        Err(error) => return vec![format!("event: {error}")],
    };
    let mut faults = Vec::new();
    for rule in rules {
        let name = rule.name.as_str();
        let explanation = sample.with_view(|view| rule.wanted.explain(view));
        match (test.expect.get(name), explanation.failed) {
            (None, None) => faults.push(format!("{name}: matches, and is not expected to")),
            (Some(_), Some(miss)) => {
                faults.push(format!(
                    "{name}: does not match: {} has {}, expected {}",
                    miss.path, miss.found, miss.expected
                ));
            }
            (Some(targets), None) => {
                faults.extend(differences(rule, targets, |chain| {
                    sample.output(chain, name, bus, SystemClock.now_ms())
                }));
            }
            (None, Some(_)) => {}
        }
    }
    let is_known = |name: &str| rules.iter().any(|rule| rule.name.as_str() == name);
    let names = test
        .expect
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name);
    faults.extend(
        names
            .filter(|name| !is_known(name))
            .map(|name| format!("{name}: there is no such rule in this file")),
    );
    faults
}

/// What differs for the targets that are expected to get something; `output` makes it.
fn differences(
    rule: &Rule,
    targets: &Value,
    output: impl Fn(Chain<'_>) -> Result<Value, String>,
) -> Vec<String> {
    let name = rule.name.as_str();
    let chain = Chain {
        rule: rule.transform.as_ref(),
        target: None,
    };
    let expected = targets.as_object().into_iter().flatten();
    let mut faults = Vec::new();
    if expected.clone().next().is_none() {
        faults.extend(output(chain).err().map(|error| format!("{name}: {error}")));
    }
    for (target, expected) in expected {
        let Some(known) = rule.targets.iter().find(|known| known.name.as_str() == target) else {
            faults.push(format!("{name}: there is no target `{target}`"));
            continue;
        };
        let target_chain = Chain {
            target: known.transform.as_ref(),
            ..chain
        };
        match output(target_chain) {
            Ok(output) => faults.extend(
                first_difference("", expected, &output).map(|place| format!("{name}/{target}: {place}")),
            ),
            Err(error) => faults.push(format!("{name}/{target}: {error}")),
        }
    }
    faults
}

/// Where `found` does not hold what is expected: objects may hold more, everything else is equal.
fn first_difference(at: &str, expected: &Value, found: &Value) -> Option<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => expected.iter().find_map(|(key, value)| {
            let at = format!("{at}/{key}");
            match found.get(key) {
                Some(found) => first_difference(&at, value, found),
                None => Some(format!("{at} is missing, expected {value}")),
            }
        }),
        (expected, found) if expected == found => None,
        (expected, found) => Some(format!("{at} is {found}, expected {expected}")),
    }
}

async fn apply(args: &ApplyArgs) -> Result<ExitCode, CliError> {
    // Checked here first: errors then come with the file, the line and a correction.
    read(&args.paths)?;
    let client = Client::new(&args.server)?;
    let texts = app::read_rules(&args.paths).map_err(|error| CliError::of(&error, true))?;
    let (name, content_type, text) = together(texts)?;
    let path = format!("/v1/apply?dry_run={}&prune={}", args.dry_run, args.prune);
    let request = client
        .request(Method::POST, &path)
        .header("content-type", content_type)
        .body(text);
    let plan: PlanReply = client.call(request).await?;
    if args.server.output == Output::Table {
        print_plan(&name, &plan)?;
    } else {
        output::json(&plan, args.server.output)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// All files as one text, so that all of them are applied or none; its name and content type.
fn together(mut texts: Vec<(String, String)>) -> Result<(String, &'static str, String), CliError> {
    let is_json = |name: &str| Path::new(name).extension().is_some_and(|ext| ext == "json");
    if texts.len() == 1
        && let Some((name, text)) = texts.pop()
    {
        let content_type = if is_json(&name) {
            "application/json"
        } else {
            "application/yaml"
        };
        return Ok((name, content_type, text));
    }
    let mut documents = Vec::with_capacity(texts.len());
    for (name, text) in &texts {
        // JSON on one line is YAML, whatever it was indented with.
        documents.push(if is_json(name) {
            let value: Value = serde_json::from_str(text)
                .map_err(|error| CliError::input(format!("{name} is not JSON: {error}")))?;
            value.to_string()
        } else {
            text.clone()
        });
    }
    let name = format!("{} files", texts.len());
    Ok((name, "application/yaml", documents.join("\n---\n")))
}

fn print_plan(name: &str, plan: &PlanReply) -> Result<(), CliError> {
    let done = if plan.dry_run { "would be" } else { "is" };
    output::print(&format!(
        "{name}: {} unchanged",
        count(plan.unchanged.len(), "rule")
    ))?;
    let parts = [
        ("+ bus", &plan.buses),
        ("+", &plan.add),
        ("~", &plan.change),
        ("-", &plan.remove),
    ];
    for (sign, names) in parts {
        for name in names {
            output::print(&format!("  {sign} {name}"))?;
        }
    }
    output::print(&format!("this {done} in force"))
}

fn schema() -> Result<ExitCode, CliError> {
    output::json(&catalog::rules_schema(), Output::Json)?;
    Ok(ExitCode::SUCCESS)
}

async fn list(args: &BusArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(&args.server)?;
    let (mut rules, mut place) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/buses/{}/rules?limit=1000{place}", args.bus);
        let page: RuleList = client.get(&path).await?;
        rules.extend(page.items);
        let Some(cursor) = page.next_cursor else { break };
        place = format!("&cursor={cursor}");
    }
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    output::list(
        &rules,
        args.server.output,
        ["name", "revision", "owner", "description"],
        |rule| {
            let owner = rule.owner.clone().unwrap_or_else(|| "-".to_owned());
            [
                text(rule.rule.get("name")),
                rule.revision.to_string(),
                owner,
                text(rule.rule.get("description")),
            ]
        },
    )?;
    Ok(ExitCode::SUCCESS)
}
