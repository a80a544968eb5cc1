//! Fields of one array element must be met together.

use super::decide;
use super::event;
use super::matches;
use super::pattern;

const CREW: &str = r#"{"crew":[
    {"name":"Ida","port":"Kiel"},{"name":"Ole","port":"Bergen"},{"name":"Uwe","port":"Riga"}]}"#;

#[test]
fn a_field_of_any_element_will_do() {
    assert!(matches(r#"{"crew":{"name":["Ole"]}}"#, CREW));
    assert!(!matches(r#"{"crew":{"name":["Eva"]}}"#, CREW));
}

#[test]
fn two_fields_must_lie_in_one_element() {
    assert!(matches(r#"{"crew":{"name":["Ole"],"port":["Bergen"]}}"#, CREW));
    assert!(!matches(r#"{"crew":{"name":["Ole"],"port":["Riga"]}}"#, CREW));
}

#[test]
fn a_first_choice_that_fails_later_is_taken_back() {
    assert!(matches(
        r#"{"crew":{"name":["Ole","Uwe"],"port":["Riga"]}}"#,
        CREW
    ));
}

#[test]
fn scalars_of_an_array_choose_no_element() {
    assert!(matches(r#"{"a":[1],"b":[2]}"#, r#"{"a":[3,1],"b":[2,4]}"#));
    assert!(matches(r#"{"f":[4]}"#, r#"{"f":[[1,2],[3,4]]}"#));
    assert!(matches(r#"{"f":["x"]}"#, r#"{"f":["x",{"g":1}]}"#));
}

#[test]
fn an_array_inside_an_element_leaves_only_the_outer_choice() {
    let data = r#"{"e":[{"ids":[2,1],"n":"x"},{"ids":[3],"n":"y"}]}"#;
    assert!(matches(r#"{"e":{"ids":[1],"n":["x"]}}"#, data));
    assert!(!matches(r#"{"e":{"ids":[3],"n":["x"]}}"#, data));
}

#[test]
fn different_arrays_choose_independently() {
    let data = r#"{"p":[{"a":1},{"a":9}],"q":[{"b":9},{"b":2}]}"#;
    assert!(matches(r#"{"p":{"a":[1]},"q":{"b":[2]}}"#, data));
}

#[test]
fn arrays_below_different_elements_do_not_meet() {
    let fields = r#"{"o":{"p":{"a":[1]},"q":{"b":[2]}}}"#;
    assert!(!matches(fields, r#"{"o":[{"p":[{"a":1}]},{"q":[{"b":2}]}]}"#));
    assert!(matches(fields, r#"{"o":[{"p":[{"a":1}],"q":[{"b":2}]}]}"#));
}

#[test]
fn nested_arrays_choose_at_every_level() {
    let data = r#"{"m":[[{"f":1,"l":2},{"f":3,"l":4}],[{"f":5,"l":6}]]}"#;
    assert!(!matches(r#"{"m":{"f":[1],"l":[4]}}"#, data));
    assert!(!matches(r#"{"m":{"f":[1],"l":[6]}}"#, data));
    assert!(matches(r#"{"m":{"f":[5],"l":[6]}}"#, data));
}

#[test]
fn agreement_in_pairs_is_not_agreement_of_all() {
    let fields = r#"{"o":{"a":[1],"b":[2],"c":[3]}}"#;
    assert!(!matches(
        fields,
        r#"{"o":[{"a":1,"b":2},{"a":1,"c":3},{"b":2,"c":3}]}"#
    ));
    assert!(matches(
        fields,
        r#"{"o":[{"a":1,"b":2},{"a":1,"c":3},{"b":2,"c":3},{"a":1,"b":2,"c":3}]}"#
    ));
}

#[test]
fn data_that_is_an_array_has_elements_too() {
    assert!(matches(r#"{"a":[1],"b":[2]}"#, r#"[{"a":1,"b":2}]"#));
    assert!(!matches(r#"{"a":[1],"b":[2]}"#, r#"[{"a":1},{"b":2}]"#));
}

#[test]
fn absence_is_seen_in_the_element_that_earlier_paths_chose() {
    let fields = r#"{"a":{"b":["x"],"c":[{"exists":false}]}}"#;
    assert!(matches(fields, r#"{"a":[{"b":"x"},{"b":"y","c":1}]}"#));
    assert!(!matches(fields, r#"{"a":[{"b":"x","c":1},{"b":"y"}]}"#));
}

#[test]
fn absence_before_any_choice_means_absence_everywhere() {
    let fields = r#"{"a":{"b":[{"exists":false}],"c":["x"]}}"#;
    assert!(!matches(fields, r#"{"a":[{"c":"x"},{"b":1,"c":"y"}]}"#));
    assert!(matches(fields, r#"{"a":[{"c":"x"},{"c":"y"}]}"#));
}

#[test]
fn a_repeated_key_offers_both_values_while_other_fields_are_sought() {
    let found = |fields: &str, data: &str| {
        let rules = super::RuleSet::compile([((), pattern(&format!(r#"{{"data":{fields}}}"#)))]);
        !rules.matching(&event(data)).is_empty()
    };
    let twice = r#"{"a":"x","a":"y","b":1}"#;
    assert!(found(r#"{"a":["x"],"b":[1]}"#, twice));
    assert!(found(r#"{"a":["y"],"b":[1]}"#, twice));
    assert!(found(r#"{"a":["x"]}"#, twice));
    assert!(
        !found(r#"{"a":["y"]}"#, twice),
        "all was seen before the repetition"
    );
    assert!(found(
        r#"{"o":{"a":[1],"b":[2]}}"#,
        r#"{"o":{"a":1},"o":{"b":2}}"#
    ));
}

#[test]
fn two_arrays_at_one_path_choose_independently() {
    let fields = r#"{"a":{"b":{"c":[1],"d":[2]}}}"#;
    assert!(matches(
        fields,
        r#"{"a.b":[{"c":1},{"d":2}],"a":{"b":[{"d":2}]}}"#
    ));
    assert!(matches(
        fields,
        r#"{"a.b":[{"d":2},{"c":1}],"a":{"b":[{"c":1},{"x":0}]}}"#
    ));
    assert!(!matches(
        fields,
        r#"{"a.b":[{"c":1},{"d":2},{"d":2}],"a":{"b":[{"d":3}]}}"#
    ));
}

/// Two fields that never meet, in as many elements as a large event can have, and independent
/// arrays whose choices would multiply: both must be decided without trying all pairs.
#[test]
fn large_arrays_are_decided_in_reasonable_time() {
    const ELEMENTS: usize = 20_000;
    let half = |member: &str| vec![format!(r#"{{"{member}":1}}"#); ELEMENTS].join(",");
    let apart = format!(r#"{{"o":[{},{}]}}"#, half("a"), half("b"));
    let rules = super::RuleSet::compile([((), pattern(r#"{"data":{"o":{"a":[1],"b":[1]}}}"#))]);
    assert!(rules.matching(&event(&apart)).is_empty());

    let many = format!(
        r#"{{"p":[{0}],"q":[{0}],"r":[{0}],"z":[{1},{2}]}}"#,
        half("a"),
        half("a"),
        half("b")
    );
    let fields = r#"{"p":{"a":[1]},"q":{"a":[1]},"r":{"a":[1]},"z":{"a":[1],"b":[1]}}"#;
    let rules = super::RuleSet::compile([((), pattern(&format!(r#"{{"data":{fields}}}"#)))]);
    assert!(rules.matching(&event(&many)).is_empty());
}

#[test]
fn deep_arrays_of_wide_events_stay_consistent() {
    let pattern = pattern(r#"{"data":{"o":{"p":{"a":[1],"b":[2]},"z":[{"exists":false}]}}}"#);
    assert!(decide(
        &pattern,
        &event(r#"{"o":[{"p":[{"a":1,"b":2}],"z":0},{"p":[{"b":2},{"b":2,"a":1}]}]}"#)
    ));
    assert!(!decide(
        &pattern,
        &event(r#"{"o":[{"p":[{"a":1,"b":2}],"z":0},{"p":[{"b":2},{"a":1}]}]}"#)
    ));
}
