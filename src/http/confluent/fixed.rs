//! What clients ask and what never changes here.

use serde_json::Map;
use serde_json::Value;

use super::answer::Answer;
use super::extract::Body;
use super::extract::Query;
use super::extract::Subject;
use super::refusal::Case;
use super::refusal::Refusal;
use crate::api::confluent::Mode;

const READ_WRITE: &str = "READWRITE";

/// Whether anybody is here.
pub(super) async fn root() -> Answer<Map<String, Value>> {
    Answer(Map::new())
}

/// The languages of schemas.
pub(super) async fn types() -> Answer<[&'static str; 1]> {
    Answer(["JSON"])
}

/// The contexts: the default one.
pub(super) async fn contexts() -> Answer<[&'static str; 1]> {
    Answer(["."])
}

/// Whether schemas are taken.
pub(super) async fn mode() -> Answer<Mode> {
    Answer(Mode {
        mode: READ_WRITE.to_owned(),
    })
}

/// The mode of a subject; none has one of its own.
pub(super) async fn subject_mode(Subject(subject): Subject, query: Query) -> Result<Answer<Mode>, Refusal> {
    if query.says("defaultToGlobal") {
        return Ok(mode().await);
    }
    let message = format!("the subject `{subject}` has no mode of its own");
    Err(Refusal::new(Case::NoModeOfItsOwn, message))
}

/// Refuses another mode.
pub(super) async fn put_mode(Body(asked): Body<Mode>) -> Result<Answer<Mode>, Refusal> {
    if asked.mode.eq_ignore_ascii_case(READ_WRITE) {
        return Ok(mode().await);
    }
    let message = format!("the mode is {READ_WRITE} and stays");
    Err(Refusal::new(Case::NotPermitted, message))
}
