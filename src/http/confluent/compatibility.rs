//! Whether a schema may follow the versions of a subject.

use std::sync::Arc;

use axum::extract::State;

use super::answer::Answer;
use super::extract::Body;
use super::extract::Number;
use super::extract::Path;
use super::extract::Query;
use super::extract::Subject;
use super::refusal::Refusal;
use super::request::document;
use super::subjects::find;
use crate::api::confluent::CompatibilityReply;
use crate::api::confluent::SchemaRequest;
use crate::catalog::EventType;
use crate::http::state::AppState;
use crate::schema::compat::Answer as Judgement;
use crate::schema::compat::Direction;
use crate::schema::compat::Reason;
use crate::schema::compat::Verdict;

/// Longest counter-example that is told, in bytes.
const MAX_EXAMPLE: usize = 500;

/// Judges a schema against the versions that it would follow.
pub(super) async fn check_all(
    State(state): State<Arc<AppState>>,
    Subject(subject): Subject,
    query: Query,
    Body(request): Body<SchemaRequest>,
) -> Result<Answer<CompatibilityReply>, Refusal> {
    let services = state.services()?;
    let document = document(services.router.snapshot().view(), request)?;
    let judged = services.control.judge(&subject, document.as_bytes()).await?;
    Ok(Answer(reply(&judged.verdict, &query)))
}

/// Judges a schema against one version; anything may follow where no version is the latest.
pub(super) async fn check(
    State(state): State<Arc<AppState>>,
    Path((subject, number)): Path<(String, String)>,
    query: Query,
    Body(request): Body<SchemaRequest>,
) -> Result<Answer<CompatibilityReply>, Refusal> {
    let services = state.services()?;
    let snapshot = services.router.snapshot();
    let (number, subject): (Number, _) = (number.parse()?, EventType::parse(&subject)?);
    let number = match (number, find(snapshot.view(), &subject)) {
        (Number::Latest, Err(_)) => None,
        (number, entry) => Some(number.of(&*entry?)?.number),
    };
    let document = document(snapshot.view(), request)?;
    let control = &services.control;
    let judged = match number {
        Some(number) => {
            control
                .judge_against(&subject, document.as_bytes(), number)
                .await?
        }
        None => control.judge(&subject, document.as_bytes()).await?,
    };
    Ok(Answer(reply(&judged.verdict, &query)))
}

/// The reasons of a verdict as sentences.
pub(super) fn messages(verdict: &Verdict) -> Vec<String> {
    verdict.reasons.iter().map(message).collect()
}

fn reply(verdict: &Verdict, query: &Query) -> CompatibilityReply {
    CompatibilityReply {
        is_compatible: verdict.answer == Judgement::Compatible,
        messages: query.says("verbose").then(|| messages(verdict)),
    }
}

fn message(reason: &Reason) -> String {
    let direction = match reason.direction {
        Direction::Forward => "forward",
        _ => "backward",
    };
    let version = reason
        .version
        .map_or_else(String::new, |number| format!(" with version {number}"));
    let example = reason.counter_example.as_ref().map(ToString::to_string);
    let example = example
        .filter(|example| example.len() <= MAX_EXAMPLE)
        .map_or_else(String::new, |example| format!(", for example {example}"));
    let (rule, pointer, detail) = (reason.rule, &reason.pointer, &reason.detail);
    format!("not {direction} compatible{version}: {rule} at `{pointer}`: {detail}{example}")
}
