//! The pairs of `corpus.toml`: what the definition says of each, in both directions and under both policies.

use figment::Figment;
use figment::providers::Format as _;
use figment::providers::Toml;
use serde::Deserialize;

use super::document;
use crate::schema::Validator;
use crate::schema::compat::Answer;
use crate::schema::compat::Direction;
use crate::schema::compat::Policy;
use crate::schema::compat::check;

#[derive(Deserialize)]
struct Corpus {
    pair: Vec<Pair>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    /// What the pair shows.
    says: String,
    /// The old version, as JSON.
    old: String,
    /// The new version, as JSON.
    new: String,
    /// Whether what the old one writes is read by the new one.
    backward: Expected,
    /// Whether what the new one writes is read by the old one.
    forward: Expected,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Expected {
    /// Under both policies.
    Yes,
    /// Under neither.
    No,
    /// Under the lenient policy only.
    Lenient,
    /// Not decided, by design.
    Undecided,
}

impl Expected {
    fn under(self, policy: Policy) -> Answer {
        match (self, policy) {
            (Self::Yes, _) | (Self::Lenient, Policy::Lenient) => Answer::Compatible,
            (Self::No, _) | (Self::Lenient, Policy::Strict) => Answer::Incompatible,
            (Self::Undecided, _) => Answer::Undecided,
        }
    }
}

#[test]
fn every_pair_of_the_corpus_is_judged_by_the_sets_of_documents() {
    let corpus: Corpus = Figment::from(Toml::string(include_str!("corpus.toml")))
        .extract()
        .unwrap();
    let failed: Vec<String> = corpus
        .pair
        .iter()
        .flat_map(|pair| {
            let all = [
                (Direction::Backward, Policy::Lenient, pair.backward),
                (Direction::Backward, Policy::Strict, pair.backward),
                (Direction::Forward, Policy::Lenient, pair.forward),
                (Direction::Forward, Policy::Strict, pair.forward),
            ];
            all.into_iter().filter_map(|(direction, policy, expected)| {
                let difference = difference(pair, direction, policy, expected.under(policy))?;
                Some(format!("{} ({direction:?}, {policy:?}): {difference}", pair.says))
            })
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(corpus.pair.len() >= 150, "{} pairs", corpus.pair.len());
}

fn difference(pair: &Pair, direction: Direction, policy: Policy, expected: Answer) -> Option<String> {
    let (old, new) = (document(&pair.old), document(&pair.new));
    let verdict = check(&old, &new, direction, policy);
    if verdict.answer != expected {
        return Some(format!(
            "{:?} instead of {expected:?}: {:#?}",
            verdict.answer, verdict.reasons
        ));
    }
    if expected == Answer::Compatible {
        return (!verdict.reasons.is_empty()).then(|| "compatible with reasons".to_owned());
    }
    let (writer, reader) = if direction == Direction::Backward {
        (&old, &new)
    } else {
        (&new, &old)
    };
    let (writer, reader) = (
        Validator::compile(writer).unwrap(),
        Validator::compile(reader).unwrap(),
    );
    if verdict.reasons.is_empty() {
        return Some("no reason".to_owned());
    }
    for reason in &verdict.reasons {
        let Some(document) = &reason.counter_example else {
            if expected == Answer::Incompatible {
                return Some(format!("no counter-example: {reason:?}"));
            }
            continue;
        };
        if !writer.is_valid(document) || reader.is_valid(document) {
            return Some(format!("no counter-example at all: {document}"));
        }
    }
    None
}
