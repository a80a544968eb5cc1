//! Tries rules on events: nothing is stored or sent.

use std::sync::Arc;

use axum::extract::Request;
use axum::extract::State;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use serde_json::value::RawValue;

use super::body;
use super::events::blocking;
use super::extract::CONTROL_BYTES;
use super::extract::NoQuery;
use super::state::AppState;
use crate::event;
use crate::event::EventError;
use crate::pattern;
use crate::pattern::Pattern;
use crate::pattern::PatternError;
use crate::pattern::RuleSet;
use crate::problem::Fault;
use crate::problem::Problem;
use crate::routing::Sample;
use crate::routing::SampleError;
use crate::transform::Transform;

/// Most rules and most events of one call.
const MAX_RULES: usize = 10_000;
const MAX_EVENTS: usize = 10_000;
/// Levels around the data of an event: the event, a list of them, the body.
const LEVELS_AROUND: usize = 3;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    #[serde(default)]
    rule: Option<TriedRule>,
    #[serde(borrow, default)]
    event: Option<&'a RawValue>,
    #[serde(default)]
    rules: Option<Vec<TriedRule>>,
    #[serde(borrow, default)]
    events: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct TriedRule {
    #[serde(default)]
    name: Option<String>,
    #[serde(rename = "match")]
    pattern: Value,
    #[serde(default)]
    transform: Option<Value>,
}

/// Try rules on events.
///
/// `{"rule": {match, transform?}, "event": {…}}` answers whether it matches, what the target would
/// get, and why not; `{"rules": [{name, match, transform?}], "events": […]}` answers for many.
/// An event may be any subset of the attributes. Its data is matched as the bytes sent.
#[utoipa::path(
    post, path = "/v1/rules/test", tag = "rules", operation_id = "testRules",
    request_body(content = Object, description = "One rule and one event, or many of both"),
    responses(
        (status = 200, description = "What would happen", body = Object),
        (status = 400, description = "Not well formed", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too many", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A rule is invalid; each fault with its place", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn test(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    request: Request,
) -> Result<([(http::HeaderName, &'static str); 1], Vec<u8>), Problem> {
    let body = body::read(request, CONTROL_BYTES, "body-too-large").await?;
    let now_ms = state.clock.now_ms();
    let answer = blocking(move || try_rules(&body, now_ms)).await?;
    let text = serde_json::to_vec(&answer).map_err(|error| super::problem::internal(&error))?;
    Ok(([(CONTENT_TYPE, "application/json")], text))
}

fn try_rules(body: &Bytes, now_ms: i64) -> Result<Value, Problem> {
    // What is kept as raw text below is scanned to its end, however deep it is nested.
    event::json::validate(body, LEVELS_AROUND + event::MAX_JSON_DEPTH).map_err(EventError::InvalidJson)?;
    let read: Body<'_> = serde_json::from_slice(body)
        .map_err(|error| Problem::new(400, "invalid-json", format!("the body cannot be read: {error}")))?;
    match (read.rule, read.event, read.rules, read.events) {
        (Some(rule), Some(event), None, None) => try_one(&rule, event, now_ms),
        (None, None, Some(rules), Some(events)) => try_many(&rules, &events, now_ms),
        _ => Err(Problem::new(
            400,
            "invalid-body",
            "send `rule` and `event`, or `rules` and `events`",
        )),
    }
}

fn try_one(rule: &TriedRule, event: &RawValue, now_ms: i64) -> Result<Value, Problem> {
    let (pattern, transform) = compile(rule, "/rule", None)?;
    let sample = Sample::read(event.get().as_bytes()).map_err(|error| malformed(&error))?;
    let explanation = sample.with_view(|view| pattern::explain(&pattern, view));
    let name = rule.name.as_deref().unwrap_or("test");
    let Some(failed) = explanation.failed else {
        let output = sample.output(transform.as_ref(), name, "default", now_ms);
        let explain = json!({ "matched": true });
        return Ok(match output {
            Ok(output) => json!({ "matched": true, "output": output, "explain": explain }),
            Err(failure) => json!({ "matched": true, "output": null, "error": failure, "explain": explain }),
        });
    };
    Ok(json!({ "matched": false, "output": null, "explain": {
        "matched": false, "path": failed.path, "expected": failed.expected, "found": failed.found,
        "pointer": format!("/match{}", failed.pointer),
    }}))
}

fn try_many(rules: &[TriedRule], events: &[&RawValue], now_ms: i64) -> Result<Value, Problem> {
    if rules.len() > MAX_RULES || events.len() > MAX_EVENTS {
        let detail = format!("at most {MAX_RULES} rules and {MAX_EVENTS} events can be tried at once");
        return Err(Problem::new(413, "too-many", detail));
    }
    let mut compiled = Vec::with_capacity(rules.len());
    let mut transforms = Vec::with_capacity(rules.len());
    let mut refusal: Option<Problem> = None;
    for (index, rule) in rules.iter().enumerate() {
        match compile(rule, &format!("/rules/{index}"), Some(index)) {
            Ok((pattern, transform)) => {
                compiled.push((index, pattern));
                transforms.push(transform);
            }
            // The code of the whole is that of the first; all faults are told.
            Err(problem) => match &mut refusal {
                Some(first) => first.errors.extend(problem.errors),
                None => refusal = Some(problem),
            },
        }
    }
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    let set = RuleSet::compile(compiled);
    let name = |index: usize| {
        rules
            .get(index)
            .and_then(|rule| rule.name.clone())
            .unwrap_or_else(|| index.to_string())
    };
    let has_outputs = transforms.iter().any(Option::is_some);
    let mut results = Vec::with_capacity(events.len());
    for (place, event) in events.iter().enumerate() {
        let sample =
            Sample::read(event.get().as_bytes()).map_err(|error| at_event(malformed(&error), place))?;
        let matching = sample.with_view(|view| set.matching(view));
        let names: Vec<_> = matching.iter().map(|index| Value::String(name(*index))).collect();
        let mut result = Map::new();
        result.insert("matched".into(), Value::Array(names));
        if has_outputs {
            let outputs = matching.iter().map(|index| {
                let transform = transforms.get(*index).and_then(Option::as_ref);
                let output = sample.output(transform, &name(*index), "default", now_ms);
                (
                    name(*index),
                    output.unwrap_or_else(|failure| json!({ "error": failure })),
                )
            });
            result.insert("outputs".into(), Value::Object(outputs.collect()));
        }
        results.push(Value::Object(result));
    }
    Ok(json!({ "results": results }))
}

fn malformed(error: &SampleError) -> Problem {
    Problem::new(400, "invalid-event", error.to_string())
}

fn at_event(problem: Problem, index: usize) -> Problem {
    let fault = Fault {
        index: Some(index),
        pointer: Some(format!("/events/{index}")),
        code: problem.code.clone(),
        detail: problem.detail.clone(),
        ..Fault::default()
    };
    problem.with_errors(vec![fault])
}

fn compile(
    rule: &TriedRule,
    at: &str,
    index: Option<usize>,
) -> Result<(Pattern, Option<Transform>), Problem> {
    let pattern =
        Pattern::parse(&rule.pattern).map_err(|errors| refused(&errors, &format!("{at}/match"), index))?;
    let transform = rule
        .transform
        .as_ref()
        .map(Transform::parse)
        .transpose()
        .map_err(|errors| {
            let faults = errors.into_iter().map(|error| {
                fault(
                    index,
                    format!("{at}/transform{}", error.pointer),
                    error.code,
                    &error.detail,
                    error.correction.as_deref(),
                )
            });
            invalid("invalid-transform", faults.collect())
        })?;
    Ok((pattern, transform))
}

/// A pattern that does not compile, each fault with its place below `at`.
pub(super) fn refused(errors: &[PatternError], at: &str, index: Option<usize>) -> Problem {
    let faults = errors.iter().map(|error| {
        fault(
            index,
            format!("{at}{}", error.pointer),
            error.code,
            &error.detail,
            error.correction.as_deref(),
        )
    });
    invalid("invalid-pattern", faults.collect())
}

fn fault(index: Option<usize>, pointer: String, code: &str, detail: &str, correction: Option<&str>) -> Fault {
    let detail = correction.map_or_else(
        || detail.to_owned(),
        |correction| format!("{detail}; {correction}"),
    );
    Fault {
        index,
        pointer: Some(pointer),
        code: code.to_owned(),
        detail,
        ..Fault::default()
    }
}

fn invalid(code: &str, faults: Vec<Fault>) -> Problem {
    let detail = faults
        .first()
        .map_or_else(String::new, |fault| fault.detail.clone());
    Problem::new(422, code, detail).with_errors(faults)
}
