//! The cases of `transform.toml`: what steps make of an event, one line after another.

use figment::Figment;
use figment::providers::Format as _;
use figment::providers::Toml;
use serde::Deserialize;
use serde_json::Value;

use super::Data;
use super::FACTS;
use super::Facts;
use super::ORDER;
use super::event;
use super::json;
use super::rendered;
use super::transform;
use crate::transform::MaskKey;

#[derive(Deserialize)]
struct Corpus {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case shows.
    says: String,
    /// The transform, as JSON.
    steps: String,
    /// The event's data; the order of the other tests if left out.
    data: Option<String>,
    /// The data that it makes, as compact JSON.
    makes: Option<String>,
    /// Attributes that it makes; null for one that is not there.
    attributes: Option<String>,
    /// Why it fails.
    fails: Option<String>,
}

#[test]
fn every_case_of_the_corpus_holds() {
    let corpus: Corpus = Figment::from(Toml::string(include_str!("transform.toml")))
        .extract()
        .unwrap();
    let failed: Vec<_> = corpus
        .case
        .iter()
        .filter_map(|case| Some(format!("{}: {}", case.says, difference(case)?)))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(corpus.case.len() >= 100, "{} cases", corpus.case.len());
}

fn difference(case: &Case) -> Option<String> {
    let key = MaskKey::new(*b"key");
    let facts = Facts {
        mask_key: key.as_ref(),
        ..FACTS
    };
    let before = event(case.data.clone().unwrap_or_else(|| ORDER.to_owned()));
    let transform = transform(&case.steps);
    let result = transform.apply(before.clone(), &facts);
    if result != rendered(&transform).apply(before, &facts) {
        return Some("rendering makes another result".to_owned());
    }
    let result = match result {
        Ok(result) => result,
        Err(failure) => {
            let reason = Some(failure.reason);
            return (reason != case.fails).then(|| format!("failed: {reason:?}"));
        }
    };
    if let Some(reason) = &case.fails {
        return Some(format!("did not fail: {reason}"));
    }
    let data = match &result.data {
        Data::Json(bytes) | Data::Verbatim(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Data::None => "nothing".to_owned(),
    };
    if case.makes.as_ref().is_some_and(|expected| *expected != data) {
        return Some(format!("made {data}"));
    }
    let expected = case.attributes.as_ref().map_or(Value::Null, |text| json(text));
    expected
        .as_object()
        .into_iter()
        .flatten()
        .find_map(|(name, expected)| {
            let found = result.attributes.iter().find(|(own, _)| own == name);
            let found = found.map_or(Value::Null, |(_, value)| value.clone().into_json());
            (found != *expected).then(|| format!("{name} is {found}"))
        })
}
