//! Laws of the comparison, on random schemas and documents.

use std::env;

use jsonschema::Draft;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use serde_json::json;

use super::generate::changed;
use super::generate::lowered;
use super::generate::schema;
use super::generate::subschema;
use super::generate::value;
use super::naive::holds_only_declared;
use crate::schema::NoReferences;
use crate::schema::SchemaDocument;
use crate::schema::Validator;
use crate::schema::compat::Answer;
use crate::schema::compat::Direction;
use crate::schema::compat::Policy;
use crate::schema::compat::Reason;
use crate::schema::compat::check;
use crate::schema::compat::search::candidates;

/// Documents near the border that are tried per pair.
const NEAR: usize = 400;

/// Cases in the suite; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(500)
}

/// A document, unless the schema is refused.
fn read(schema: &Value) -> Option<SchemaDocument> {
    SchemaDocument::from_value(schema.clone(), &NoReferences).ok()
}

/// The first document that the writer may write and the reader refuses.
fn refuting(
    writer: &SchemaDocument,
    reader: &SchemaDocument,
    policy: Policy,
    documents: &[Value],
) -> Option<Value> {
    let accepts = Validator::compile(writer).unwrap();
    let refuses = Validator::compile(reader).unwrap();
    let near = candidates(documents, [writer.value(), reader.value()], NEAR);
    near.into_iter().find(|document| {
        accepts.is_valid(document)
            && !refuses.is_valid(document)
            && (policy == Policy::Strict || holds_only_declared(writer.value(), document))
    })
}

/// What is wrong with a reason, if anything is.
fn unsound(
    writer: &SchemaDocument,
    reader: &SchemaDocument,
    policy: Policy,
    reason: &Reason,
) -> Option<String> {
    let document = reason.counter_example.as_ref()?;
    let is_written = Validator::compile(writer).unwrap().is_valid(document)
        && (policy == Policy::Strict || holds_only_declared(writer.value(), document));
    if !is_written {
        return Some(format!("the writer does not write {document}"));
    }
    let is_read = Validator::compile(reader).unwrap().is_valid(document);
    is_read.then(|| format!("the reader accepts {document}"))
}

fn pair() -> impl Strategy<Value = (Value, Value)> {
    let related =
        (schema(), any::<usize>(), any::<usize>(), subschema()).prop_map(|(old, place, how, other)| {
            let new = changed(&old, place, how, &other);
            (old, new)
        });
    prop_oneof![4 => related, 1 => (schema(), schema())]
}

fn policy() -> impl Strategy<Value = Policy> {
    select(vec![Policy::Lenient, Policy::Strict])
}

fn draft() -> impl Strategy<Value = Draft> {
    select(vec![
        Draft::Draft4,
        Draft::Draft6,
        Draft::Draft7,
        Draft::Draft201909,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_global_rejects: 1_000_000, ..ProptestConfig::default() })]

    /// No document contradicts "compatible", and every counter-example is one.
    #[test]
    fn no_document_contradicts_a_verdict((old, new) in pair(), policy in policy(), documents in vec(value(), 12)) {
        let (Some(old), Some(new)) = (read(&old), read(&new)) else { return Ok(()) };
        let verdict = check(&old, &new, Direction::Backward, policy);
        for reason in &verdict.reasons {
            prop_assert_eq!(unsound(&old, &new, policy, reason), None);
        }
        let found = refuting(&old, &new, policy, &documents);
        if verdict.answer == Answer::Compatible {
            prop_assert_eq!(found, None, "{:?}", policy);
        } else {
            prop_assert!(!verdict.reasons.is_empty());
        }
    }

    /// The same with versions of different drafts.
    #[test]
    fn drafts_are_compared_by_what_they_mean(
        (old, new) in pair(), one in draft(), other in draft(), documents in vec(value(), 12),
    ) {
        let (old, new) = (lowered(&old, one), lowered(&new, other));
        let (Some(old), Some(new)) = (read(&old), read(&new)) else { return Ok(()) };
        let verdict = check(&old, &new, Direction::Backward, Policy::Strict);
        for reason in &verdict.reasons {
            prop_assert_eq!(unsound(&old, &new, Policy::Strict, reason), None);
        }
        if verdict.answer == Answer::Compatible {
            prop_assert_eq!(refuting(&old, &new, Policy::Strict, &documents), None);
        }
    }

    /// A schema said in other words is compatible with itself.
    #[test]
    fn other_words_for_the_same_are_never_incompatible(schema in schema(), policy in policy()) {
        let mut inside = schema.clone();
        let definitions = inside.as_object_mut().and_then(|members| members.shift_remove("$defs"));
        let outside = json!({ "$defs": definitions, "allOf": [inside] });
        let (Some(one), Some(other)) = (read(&schema), read(&outside)) else { return Ok(()) };
        let verdict = check(&one, &other, Direction::Full, policy);
        prop_assert_ne!(verdict.answer, Answer::Incompatible, "{:?}", verdict.reasons);
    }

    /// What is compatible under the strict policy is so under the lenient one.
    #[test]
    fn the_lenient_policy_allows_more((old, new) in pair()) {
        let (Some(old), Some(new)) = (read(&old), read(&new)) else { return Ok(()) };
        let strict = check(&old, &new, Direction::Backward, Policy::Strict);
        let lenient = check(&old, &new, Direction::Backward, Policy::Lenient);
        if strict.answer == Answer::Compatible {
            prop_assert_ne!(lenient.answer, Answer::Incompatible);
        }
    }
}
