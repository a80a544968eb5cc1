//! Expressions as a function of arbitrary bytes, for `fuzz/` and for its corpus in the tests.
//!
//! Whatever is written and whatever an event holds, an expression is refused or has a value, and the
//! filter, the explanation and what the rule set is told agree with that value.

use std::sync::Arc;

use super::Expression;
use super::Value;
use crate::pattern::EventView;
use crate::pattern::Filter;
use crate::pattern::Residual;
use crate::pattern::RuleSet;
use crate::pattern::Scalar;

/// The first line is the type of an event, the second its subject, the rest an expression.
///
/// # Panics
/// If two of them disagree, which is what a fuzzer looks for.
pub fn cesql(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut parts = text.splitn(3, '\n');
    let (Some(kind), Some(subject), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
        return;
    };
    let Ok(expression) = text.parse::<Expression>() else {
        return;
    };
    let attributes = [
        ("type", Scalar::String(kind)),
        ("subject", scalar(subject)),
        ("hop", Scalar::Integer(5)),
        ("dry", Scalar::Boolean(true)),
    ];
    let outcome = expression.evaluate(&attributes);
    let passes = outcome.fault.is_none() && outcome.value == Value::Boolean(true);
    assert_eq!(expression.passes(&attributes), passes, "the filter");
    assert_eq!(
        expression.explain(&attributes).is_none(),
        passes,
        "the explanation"
    );
    let filter = Filter::guarded(expression.access(), Arc::new(Rest(expression)));
    let view = EventView {
        attributes: &attributes,
        data: None,
    };
    let found = RuleSet::compile([((), filter)]).matching(&view);
    assert_eq!(!found.is_empty(), passes, "the rule set");
}

/// A value of the type that its text looks like.
fn scalar(text: &str) -> Scalar<'_> {
    match (text.parse(), text.parse()) {
        (Ok(number), _) => Scalar::Integer(number),
        (_, Ok(truth)) => Scalar::Boolean(truth),
        _ => Scalar::String(text),
    }
}

/// The expression as a rule has it.
#[derive(Debug)]
struct Rest(Expression);

impl Residual for Rest {
    fn passes(&self, event: &EventView<'_>) -> bool {
        self.0.passes(event.attributes)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Every seed as it is, cut anywhere, and with each of its words elsewhere.
    #[test]
    fn the_corpus_and_its_mutants_are_answered() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/cesql");
        let mut seeds = 0;
        for entry in fs::read_dir(dir).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let expression = text.splitn(3, '\n').nth(2).unwrap();
            assert!(expression.parse::<Expression>().is_ok(), "{expression}");
            cesql(text.as_bytes());
            seeds += 1;
            for end in 0..text.len() {
                cesql(&text.as_bytes()[..end]);
            }
            let words: Vec<_> = text.split(' ').collect();
            for from in 1..words.len() {
                for to in 1..words.len() {
                    let mut mutant = words.clone();
                    let word = mutant.remove(from);
                    mutant.insert(to, word);
                    cesql(mutant.join(" ").as_bytes());
                }
            }
        }
        assert!(seeds > 2);
    }
}
