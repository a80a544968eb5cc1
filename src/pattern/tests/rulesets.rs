//! Many rules at once.

use super::EventView;
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
    let rules = RuleSet::<u8>::compile([]);
    assert!(rules.matching(&super::event("{}")).is_empty());
}
