use super::*;
use crate::catalog::BusRow;
use crate::catalog::Loaded;
use crate::catalog::RevisionRow;
use crate::catalog::read_yaml;

fn bus(name: &str) -> BusName {
    BusName::parse(name).unwrap()
}

fn yaml(bus: &str, rules: &[(&str, &str)]) -> String {
    let rules: Vec<String> = rules
        .iter()
        .map(|(name, kind)| {
            format!("\n  - {{name: {name}, match: {{type: [{kind}]}}, targets: [{{name: t, echo: {{}}}}]}}")
        })
        .collect();
    let rules = rules.concat();
    if rules.is_empty() {
        format!("bus: {bus}\nrules: []\n")
    } else {
        format!("bus: {bus}\nrules: {rules}\n")
    }
}

fn files(bus: &str, rules: &[(&str, &str)]) -> Vec<RulesFile> {
    read_yaml(&yaml(bus, rules)).unwrap()
}

fn source(name: &str, rules: &[(&str, &str)]) -> Source {
    Source {
        name: name.to_owned(),
        files: files("default", rules),
    }
}

/// The default bus in generation 7 with rules `(name, type, owner)`.
fn current(rules: &[(&str, &str, Option<&str>)]) -> Current {
    let revisions = rules.iter().map(|(name, kind, owner)| RevisionRow {
        bus: BusName::default(),
        rule: RuleName::parse(name).unwrap(),
        revision: 1,
        spec: Arc::clone(&files("default", &[(name, kind)])[0].rules[0].spec),
        owner: owner.map(str::to_owned),
        from_generation: 2,
        until_generation: None,
    });
    Current::from_loaded(&Loaded {
        buses: vec![BusRow {
            name: BusName::default(),
            number: 1,
            generation: 7,
            deleted: false,
        }],
        revisions: revisions.collect(),
        ..Loaded::default()
    })
}

/// The plan in short: `+added ~changed -removed =unchanged`.
fn short(planned: &Planned) -> String {
    let plan = &planned.plan;
    let lists = [
        ("+", &plan.add),
        ("~", &plan.change),
        ("-", &plan.remove),
        ("=", &plan.unchanged),
    ];
    let words = lists
        .iter()
        .flat_map(|(sign, list)| list.iter().map(move |e| format!("{sign}{}", e.rule)));
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn rules_are_added_changed_and_left_alone() {
    let current = current(&[("a", "x", None), ("b", "x", None), ("c", "x", None)]);
    let planned = Plan::apply(
        &current,
        &files("default", &[("a", "x"), ("b", "y"), ("d", "x")]),
        false,
    )
    .unwrap();
    assert_eq!(short(&planned), "+d ~b =a");
    assert_eq!(planned.change.expect, [(BusName::default(), 7)]);
    let puts: Vec<_> = planned
        .change
        .put_rules
        .iter()
        .map(|put| put.rule.as_str())
        .collect();
    assert_eq!(puts, ["b", "d"]);
}

#[test]
fn prune_removes_what_the_files_do_not_name() {
    let current = current(&[("a", "x", None), ("c", "x", None)]);
    let planned = Plan::apply(&current, &files("default", &[("a", "x")]), true).unwrap();
    assert_eq!(short(&planned), "-c =a");
    let elsewhere = Plan::apply(&current, &files("other", &[]), true).unwrap();
    assert_eq!(short(&elsewhere), "");
    assert_eq!(elsewhere.plan.buses_created, [bus("other")]);
}

#[test]
fn a_plan_without_work_has_an_empty_change() {
    let current = current(&[("a", "x", None)]);
    let planned = Plan::apply(&current, &files("default", &[("a", "x")]), false).unwrap();
    assert_eq!(
        (short(&planned).as_str(), planned.change),
        ("=a", Change::default())
    );
}

#[test]
fn the_order_of_keys_does_not_matter_and_the_spelling_of_numbers_does() {
    let rule = |text: &str| read_yaml(&format!("rules: [{text}]")).unwrap();
    let stored = rule("{name: a, match: {data: {n: [1.5]}}, targets: [{name: t, echo: {}}]}");
    let loaded = Current::from_loaded(&Loaded {
        buses: vec![BusRow {
            name: BusName::default(),
            number: 1,
            generation: 2,
            deleted: false,
        }],
        revisions: vec![RevisionRow {
            bus: BusName::default(),
            rule: RuleName::parse("a").unwrap(),
            revision: 1,
            spec: Arc::clone(&stored[0].rules[0].spec),
            owner: None,
            from_generation: 2,
            until_generation: None,
        }],
        ..Loaded::default()
    });
    let swapped = rule("{targets: [{echo: {}, name: t}], match: {data: {n: [1.5]}}, name: a}");
    assert_eq!(short(&Plan::apply(&loaded, &swapped, false).unwrap()), "=a");
    let respelled = rule("{name: a, match: {data: {n: [1.50]}}, targets: [{name: t, echo: {}}]}");
    assert_eq!(short(&Plan::apply(&loaded, &respelled, false).unwrap()), "~a");
}

#[test]
fn the_api_can_neither_change_nor_remove_a_rule_of_a_file() {
    let current = current(&[("a", "x", Some("f.yaml"))]);
    let owned = PlanError::OwnedByFile {
        bus: BusName::default(),
        rule: RuleName::parse("a").unwrap(),
        owner: "f.yaml".to_owned(),
    };
    assert_eq!(
        Plan::apply(&current, &files("default", &[("a", "y")]), false),
        Err(owned.clone())
    );
    assert_eq!(
        Plan::apply(&current, &files("default", &[]), true),
        Err(owned.clone())
    );
    assert_eq!(
        Plan::put(
            &current,
            &BusName::default(),
            &files("default", &[("a", "y")])[0].rules[0]
        ),
        Err(owned.clone())
    );
    assert_eq!(
        Plan::delete(&current, &BusName::default(), &RuleName::parse("a").unwrap()),
        Err(owned)
    );
    let same = Plan::apply(&current, &files("default", &[("a", "x")]), false).unwrap();
    assert_eq!(short(&same), "=a");
}

#[test]
fn a_rule_that_leaves_its_file_is_removed() {
    let current = current(&[
        ("a", "x", Some("f.yaml")),
        ("b", "x", Some("f.yaml")),
        ("c", "x", None),
        ("d", "x", Some("g.yaml")),
    ]);
    let planned = Plan::apply_sources(&current, &[source("f.yaml", &[("a", "x")])]);
    assert_eq!(short(&planned), "-b =a");
    let gone = Plan::apply_sources(
        &current,
        &[Source {
            name: "f.yaml".to_owned(),
            files: Vec::new(),
        }],
    );
    assert_eq!(short(&gone), "-a -b");
    assert_eq!(gone.change.expect, [(BusName::default(), 7)]);
}

#[test]
fn a_file_takes_over_what_it_names() {
    let current = current(&[("a", "x", None), ("b", "x", Some("old.yaml"))]);
    let planned = Plan::apply_sources(&current, &[source("new.yaml", &[("a", "x"), ("b", "x")])]);
    assert_eq!(short(&planned), "~a ~b");
    assert!(
        planned
            .change
            .put_rules
            .iter()
            .all(|put| put.owner.as_deref() == Some("new.yaml"))
    );
}

#[test]
fn a_rule_may_move_from_one_file_to_another() {
    let current = current(&[("a", "x", Some("f.yaml"))]);
    let planned = Plan::apply_sources(
        &current,
        &[source("f.yaml", &[]), source("g.yaml", &[("a", "x")])],
    );
    assert_eq!(short(&planned), "~a");
    assert!(planned.change.delete_rules.is_empty());
}

#[test]
fn single_rules_are_put_and_deleted() {
    let current = current(&[("a", "x", None)]);
    let rule = &files("default", &[("b", "x")])[0].rules[0];
    assert_eq!(
        short(&Plan::put(&current, &BusName::default(), rule).unwrap()),
        "+b"
    );
    assert_eq!(
        Plan::put(&current, &bus("other"), rule),
        Err(PlanError::NoSuchBus(bus("other")))
    );
    let planned = Plan::delete(&current, &BusName::default(), &RuleName::parse("a").unwrap()).unwrap();
    assert_eq!(short(&planned), "-a");
    assert!(matches!(
        Plan::delete(&current, &BusName::default(), &RuleName::parse("z").unwrap()),
        Err(PlanError::NoSuchRule { .. })
    ));
}
