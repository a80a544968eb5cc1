//! Tries rules on events: nothing is stored or sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::Request;
use axum::extract::State;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use serde_json::Value;
use serde_json::json;
use serde_json::value::RawValue;
use serde_json::value::to_raw_value;

use super::blocking::blocking;
use super::body;
use super::extract::CONTROL_BYTES;
use super::extract::NoQuery;
use super::state::AppState;
use crate::api::EventTried;
use crate::api::RuleExplained;
use crate::api::RuleTestReply;
use crate::api::RuleTestRequest;
use crate::api::RuleTried;
use crate::api::RulesTried;
use crate::api::TriedRule;
use crate::event;
use crate::event::EventError;
use crate::filter::Match;
use crate::filter::MatchError;
use crate::pattern::RuleSet;
use crate::problem::Fault;
use crate::problem::Problem;
use crate::routing::Sample;
use crate::routing::SampleError;
use crate::transform::Chain;
use crate::transform::Transform;

/// Most rules and most events of one call.
const MAX_RULES: usize = 10_000;
const MAX_EVENTS: usize = 10_000;
/// Most targets of a rule that is tried, as of one that is stored.
const MAX_TARGETS: usize = 100;
/// Most matches, and most bytes of names and outputs, in the answer of one call.
const MAX_MATCHES: usize = 1_000_000;
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// Levels around the data of an event: the event, a list of them, the body.
const LEVELS_AROUND: usize = 3;

/// Try rules on events.
///
/// `{"rule": {match, transform?, targets?}, "event": {…}}` answers whether it matches, what the transform
/// makes, what each target would get, and why not; `{"rules": [{name, match, transform?}], "events": […]}` answers for many.
/// An event may be any subset of the attributes. Its data is matched as the bytes sent.
#[utoipa::path(
    post, path = "/v1/rules/test", tag = "rules", operation_id = "testRules",
    request_body(content = RuleTestRequest, description = "One rule and one event, or many of both"),
    responses(
        (status = 200, description = "What would happen", body = RuleTestReply),
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
    let answer = blocking(move || try_rules(&body.bytes, now_ms)).await?;
    let text = serde_json::to_vec(&answer).map_err(|error| super::problem::internal(&error))?;
    Ok(([(CONTENT_TYPE, "application/json")], text))
}

fn try_rules(body: &Bytes, now_ms: i64) -> Result<RuleTestReply, Problem> {
    // What is kept as raw text below is scanned to its end, however deep it is nested.
    event::json::validate(body, LEVELS_AROUND + event::MAX_JSON_DEPTH).map_err(EventError::InvalidJson)?;
    let read: RuleTestRequest<'_> = serde_json::from_slice(body)
        .map_err(|error| Problem::new(400, "invalid-json", format!("the body cannot be read: {error}")))?;
    match (read.rule, read.event, read.rules, read.events) {
        (Some(rule), Some(event), None, None) => {
            try_one(&rule, event, now_ms).map(|tried| RuleTestReply::One(Box::new(tried)))
        }
        (None, None, Some(rules), Some(events)) => try_many(&rules, &events, now_ms).map(RuleTestReply::Many),
        _ => Err(Problem::new(
            400,
            "invalid-body",
            "send `rule` and `event`, or `rules` and `events`",
        )),
    }
}

fn try_one(rule: &TriedRule, event: &RawValue, now_ms: i64) -> Result<RuleTried, Problem> {
    let Compiled {
        wanted,
        transform,
        targets,
    } = compile(rule, "/rule", None)?;
    let sample = Sample::read(event.get().as_bytes()).map_err(|error| malformed(&error))?;
    let explanation = sample.with_view(|view| wanted.explain(view));
    let name = rule.name.as_deref().unwrap_or("test");
    let is_match = explanation.failed.is_none();
    let chain = Chain {
        rule: transform.as_ref(),
        target: None,
    };
    let output = is_match.then(|| sample.output(chain, name, "default", now_ms));
    let mut room = Room::default();
    let mut outputs = BTreeMap::new();
    for (target, transform) in targets.iter().filter(|_| is_match) {
        let chain = Chain {
            target: transform.as_ref(),
            ..chain
        };
        let output = sample
            .output(chain, name, "default", now_ms)
            .unwrap_or_else(|failure| json!({ "error": failure }));
        room.take_bytes(output.to_string().len())?;
        outputs.insert((*target).to_owned(), output);
    }
    let outputs = (is_match && !targets.is_empty()).then_some(outputs);
    let (output, error) = match output {
        Some(Ok(output)) => (Some(output), None),
        Some(Err(failure)) => (None, Some(failure)),
        None => (None, None),
    };
    let mut explain = RuleExplained {
        matched: is_match,
        path: None,
        expected: None,
        found: None,
        pointer: None,
    };
    if let Some(failed) = explanation.failed {
        explain.pointer = Some(format!("/match{}", failed.pointer));
        explain.path = Some(failed.path);
        explain.expected = Some(failed.expected);
        explain.found = Some(failed.found);
    }
    Ok(RuleTried {
        matched: is_match,
        output,
        error,
        outputs,
        explain,
        complexity: wanted.complexity(),
    })
}

fn try_many(rules: &[TriedRule], events: &[&RawValue], now_ms: i64) -> Result<RulesTried, Problem> {
    if rules.len() > MAX_RULES || events.len() > MAX_EVENTS {
        let detail = format!("at most {MAX_RULES} rules and {MAX_EVENTS} events can be tried at once");
        return Err(Problem::new(413, "too-many", detail));
    }
    let (set, transforms) = compile_all(rules)?;
    let name = |index: usize| {
        rules
            .get(index)
            .and_then(|rule| rule.name.clone())
            .unwrap_or_else(|| index.to_string())
    };
    let has_outputs = transforms.iter().any(Option::is_some);
    let mut room = Room::default();
    let mut results = Vec::with_capacity(events.len());
    for (place, event) in events.iter().enumerate() {
        let sample =
            Sample::read(event.get().as_bytes()).map_err(|error| at_event(malformed(&error), place))?;
        let matching = sample.with_view(|view| set.matching(view));
        room.take_matches(matching.len())?;
        let mut matched = Vec::with_capacity(matching.len());
        let mut outputs = BTreeMap::new();
        for index in matching {
            let name = name(index);
            room.take_bytes(name.len())?;
            if has_outputs {
                let chain = Chain {
                    rule: transforms.get(index).and_then(Option::as_ref),
                    target: None,
                };
                let output = sample
                    .output(chain, &name, "default", now_ms)
                    .unwrap_or_else(|failure| json!({ "error": failure }));
                let output = to_raw_value(&output).map_err(|error| super::problem::internal(&error))?;
                room.take_bytes(name.len() + output.get().len())?;
                outputs.insert(name.clone(), output);
            }
            matched.push(name);
        }
        let outputs = has_outputs.then_some(outputs);
        results.push(EventTried { matched, outputs });
    }
    Ok(RulesTried { results })
}

/// What an answer may still hold; counted while it is made, because rules times events is gigabytes.
struct Room {
    matches: usize,
    bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            matches: MAX_MATCHES,
            bytes: MAX_ANSWER_BYTES,
        }
    }
}

impl Room {
    fn take_matches(&mut self, count: usize) -> Result<(), Problem> {
        self.matches = self.matches.checked_sub(count).ok_or_else(Self::exhausted)?;
        Ok(())
    }

    fn take_bytes(&mut self, count: usize) -> Result<(), Problem> {
        self.bytes = self.bytes.checked_sub(count).ok_or_else(Self::exhausted)?;
        Ok(())
    }

    fn exhausted() -> Problem {
        let detail = format!(
            "the answer would hold more than {MAX_MATCHES} matches or {} MiB; try fewer rules or events at once",
            MAX_ANSWER_BYTES >> 20
        );
        Problem::new(413, "too-many", detail)
    }
}

/// Compiles the rules; their transforms stand at the places of the rules.
fn compile_all(rules: &[TriedRule]) -> Result<(RuleSet<usize>, Vec<Option<Transform>>), Problem> {
    let mut compiled = Vec::with_capacity(rules.len());
    let mut transforms = Vec::with_capacity(rules.len());
    let mut refusal: Option<Problem> = None;
    for (index, rule) in rules.iter().enumerate() {
        match compile(rule, &format!("/rules/{index}"), Some(index)) {
            Ok(rule) => {
                compiled.push((index, rule.wanted));
                transforms.push(rule.transform);
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
    let compiled = compiled.iter().map(|(index, wanted)| (*index, wanted));
    Ok((RuleSet::compile(compiled), transforms))
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

/// A rule as far as it is tried.
struct Compiled<'a> {
    wanted: Match,
    transform: Option<Transform>,
    /// The targets by name, each with its own transform.
    targets: Vec<(&'a str, Option<Transform>)>,
}

fn compile<'a>(rule: &'a TriedRule, at: &str, index: Option<usize>) -> Result<Compiled<'a>, Problem> {
    if rule.targets.len() > MAX_TARGETS {
        let detail = format!("a rule has at most {MAX_TARGETS} targets");
        return Err(Problem::new(413, "too-many", detail));
    }
    let wanted =
        Match::parse(&rule.pattern).map_err(|errors| refused(&errors, &format!("{at}/match"), index))?;
    let targets = rule.targets.iter().enumerate().map(|(place, target)| {
        let at = format!("{at}/targets/{place}/transform");
        Ok((
            target.name.as_str(),
            transform(target.transform.as_ref(), &at, index)?,
        ))
    });
    Ok(Compiled {
        wanted,
        transform: transform(rule.transform.as_ref(), &format!("{at}/transform"), index)?,
        targets: targets.collect::<Result<_, Problem>>()?,
    })
}

fn transform(steps: Option<&Value>, at: &str, index: Option<usize>) -> Result<Option<Transform>, Problem> {
    let transform = steps.map(Transform::parse).transpose();
    transform.map_err(|errors| {
        let faults = errors.into_iter().map(|error| {
            let pointer = format!("{at}{}", error.pointer);
            fault(
                index,
                pointer,
                error.code,
                &error.detail,
                error.correction.as_deref(),
            )
        });
        invalid("invalid-transform", faults.collect())
    })
}

/// A `match` that does not compile, each fault with its place below `at`.
pub(super) fn refused(errors: &[MatchError], at: &str, index: Option<usize>) -> Problem {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn code(rules: &[serde_json::Value], events: usize) -> String {
        let body = json!({ "rules": rules, "events": vec![json!({ "type": "t" }); events] });
        try_rules(&Bytes::from(body.to_string()), 0).map_or_else(|problem| problem.code, |_| String::new())
    }

    #[test]
    fn an_answer_of_rules_times_events_is_bounded_while_it_is_made() {
        let all = json!({ "match": { "type": ["t"] } });
        assert_eq!(code(&vec![all.clone(); 1_000], 1_000), "");
        assert_eq!(code(&vec![all; 1_001], 1_000), "too-many");
        let named = json!({ "name": "x".repeat(1024 * 1024), "match": { "type": ["t"] } });
        assert_eq!(code(std::slice::from_ref(&named), 64), "");
        assert_eq!(code(&[named], 65), "too-many");
        let template = json!({ "match": { "type": ["t"] }, "transform": [{ "data": "x".repeat(40_000) }] });
        assert_eq!(code(std::slice::from_ref(&template), 100), "");
        assert_eq!(code(&[template], 2_000), "too-many");
    }
}
