//! What an expression tells a rule set in advance.

use std::sync::Arc;

use super::EVENT;
use super::expression;
use crate::pattern::EventView;
use crate::pattern::Filter;
use crate::pattern::Residual;
use crate::pattern::RuleSet;

/// Lets everything pass that the access lets through.
#[derive(Debug)]
struct Anything;

impl Residual for Anything {
    fn passes(&self, _: &EventView<'_>) -> bool {
        true
    }
}

fn lets_through(text: &str) -> bool {
    let filter = Filter::guarded(expression(text).access(), Arc::new(Anything));
    let view = EventView {
        attributes: EVENT,
        data: None,
    };
    !RuleSet::compile([((), filter)]).matching(&view).is_empty()
}

#[test]
fn what_cannot_pass_is_not_even_tried() {
    for text in [
        "type = 'b' AND LENGTH(id) > 0",
        "LENGTH(id) > 0 AND 'b' = type",
        "type IN ('b', 'c')",
        "type = 'b' OR type = 'c' OR type IN ('d')",
        "type = 'b' OR source = 'c'",
        "(dry OR dry) AND type = 'b'",
        "type LIKE 'org.%'",
        "type LIKE '%.deleted'",
        "source LIKE 'exact'",
        "EXISTS subject",
        "subject = 5",
        "dry XOR subject = 'x'",
        "LENGTH(CONCAT(id, subject)) > 0",
        "subject NOT LIKE 'a%'",
    ] {
        assert!(!lets_through(text), "{text}");
    }
    // One that is missed whatever the event.
    let many: Vec<_> = (0..500).map(|n| format!("type = 't{n}'")).collect();
    assert!(!lets_through(&many.join(" OR ")));
}

#[test]
fn what_may_pass_is_tried() {
    for text in [
        "count = '5'",
        "'05' = count",
        "count IN ('05')",
        "'TRUE' = dry",
        "dry LIKE 'tr%'",
        "count LIKE '5%'",
        "type = 'b' OR dry",
        "type = 'b' XOR dry",
        "TRUE OR subject = 'x'",
        "NOT (type = 'b')",
        "type != 'b'",
        "type NOT IN ('b')",
        "type = 'b' = FALSE",
        "type LIKE '%order%'",
        "type LIKE 'com_example%'",
    ] {
        assert!(expression(text).passes(EVENT), "{text} is a bad example");
        assert!(lets_through(text), "{text}");
    }
}
