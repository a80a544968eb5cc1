//! Many rules at once.

use std::sync::Arc;

use super::Access;
use super::EventView;
use super::Filter;
use super::Residual;
use super::RuleSet;
use super::Scalar;
use super::pattern;

#[test]
fn matching_rules_come_in_the_order_they_were_compiled() {
    let rules = RuleSet::compile([
        ("any", pattern(r#"{"type":[{"prefix":"o"}]}"#)),
        ("source", pattern(r#"{"source":["/shop"]}"#)),
        ("either", pattern(r#"{"type":["other","order"]}"#)),
        ("mixed", pattern(r#"{"type":["order",{"suffix":"x"}]}"#)),
        (
            "both",
            pattern(r#"{"source":["/shop"],"type":["order"],"data":{"n":[1]}}"#),
        ),
        ("not", pattern(r#"{"type":["other"]}"#)),
    ]);
    let attributes = [
        ("source", Scalar::String("/shop")),
        ("type", Scalar::String("order")),
    ];
    let event = EventView {
        attributes: &attributes,
        data: Some(br#"{"n":1}"#),
    };
    assert_eq!(
        rules.matching(&event),
        ["any", "source", "either", "mixed", "both"]
    );
}

#[test]
fn an_empty_set_matches_nothing() {
    let rules = RuleSet::compile([] as [(u8, super::Pattern); 0]);
    assert!(rules.matching(&super::event("{}")).is_empty());
}

/// Passes events whose subject is longer than this.
#[derive(Debug)]
struct LongSubject(usize);

impl Residual for LongSubject {
    fn passes(&self, event: &EventView<'_>) -> bool {
        let mut attributes = event.attributes.iter();
        attributes.any(|(name, value)| {
            *name == "subject" && matches!(value, Scalar::String(text) if text.len() > self.0)
        })
    }
}

#[test]
fn rules_of_other_languages_are_asked_about_events_that_meet_their_access() {
    let either = Access::text_in("type", ["order"]).or(Access::text_prefix("source", "/a"));
    let both = Access::text_in("hops", ["3"]).and(Access::text_suffix("dry", "e"));
    let rules = RuleSet::compile([
        (
            "long",
            Filter::guarded(Access::always(), Arc::new(LongSubject(3))),
        ),
        (
            "longer",
            Filter::guarded(Access::always(), Arc::new(LongSubject(9))),
        ),
        ("either", Filter::guarded(either, Arc::new(LongSubject(0)))),
        ("both", Filter::guarded(both, Arc::new(LongSubject(0)))),
        (
            "absent",
            Filter::guarded(Access::present("time"), Arc::new(LongSubject(0))),
        ),
        (
            "never",
            Filter::guarded(Access::never(), Arc::new(LongSubject(0))),
        ),
        ("pattern", pattern(r#"{"type":["order"]}"#).into()),
    ]);
    let attributes = [
        ("source", Scalar::String("/shop")),
        ("type", Scalar::String("order")),
        ("subject", Scalar::String("berlin")),
        ("hops", Scalar::Integer(3)),
        ("dry", Scalar::Boolean(true)),
    ];
    let event = EventView {
        attributes: &attributes,
        data: None,
    };
    assert_eq!(rules.matching(&event), ["long", "either", "both", "pattern"]);
}
