use super::*;

const GOOD: &str = "rules:
  - name: big-orders
    match:
      data:
        total: [{ numeric: ['>', 100.50] }]
    targets:
      - name: crm
        webhook: { url: 'https://crm.example/hooks' }
";

fn issues(text: &str) -> Vec<Issue> {
    read_sources(&[("x.yaml".to_owned(), text.to_owned())]).unwrap_err()
}

#[test]
fn a_good_file_is_read_and_spells_its_numbers_as_written() {
    let sources = read_sources(&[("x.yaml".to_owned(), GOOD.to_owned())]).unwrap();
    let rule = &sources[0].files[0].rules[0];
    assert!(rule.spec.to_string().contains("100.50"), "{}", rule.spec);
}

#[test]
fn every_issue_has_its_place_and_its_correction() {
    let replaced = |from: &str, to: &str| GOOD.replace(from, to);
    for (text, code, place, correction) in [
        (
            replaced("numeric", "numric"),
            "unknown-operator",
            (5, 19),
            Some("did you mean `numeric`?"),
        ),
        (
            replaced("  targets", "  taregts"),
            "unknown-key",
            (6, 5),
            Some("did you mean `targets`?"),
        ),
        (replaced("crm\n", "c r m\n"), "invalid-name", (7, 15), None),
        (
            replaced("crm\n", "7\n"),
            "invalid-type",
            (7, 15),
            Some("quote it: \"7\""),
        ),
        (
            replaced("https://", "ftp://"),
            "invalid-url",
            (8, 25),
            Some("a URL such as `https://crm.example/hooks/orders`"),
        ),
        (
            replaced("webhook: {", "webhook: { method: TRACE,"),
            "invalid-value",
            (8, 28),
            None,
        ),
        (
            replaced("name: big-orders", "description: x"),
            "missing-field",
            (2, 5),
            Some("add `name: big-orders`"),
        ),
    ] {
        let found = &issues(&text)[0];
        let at = found.place.as_ref().unwrap();
        assert_eq!((found.code, (at.line, at.column)), (code, place), "{text}");
        assert_eq!(found.correction.as_deref(), correction, "{text}");
        assert_eq!(at.file.as_deref(), Some("x.yaml"));
        assert_eq!(at.snippet.as_deref(), text.lines().nth(at.line as usize - 1));
    }
}

#[test]
fn an_issue_reads_well_on_a_terminal() {
    insta::assert_snapshot!(issues(&GOOD.replace("numeric", "numric"))[0].render(), @r"
    x.yaml:5:19 error[unknown-operator]: numric is not an operator of patterns
         5 |         total: [{ numric: ['>', 100.50] }]
           |                   ^
           = help: did you mean `numeric`?
    ");
}

#[test]
fn all_issues_of_all_files_come_at_once() {
    let texts = [
        ("a.yaml".to_owned(), "rules: [{}]".to_owned()),
        ("b.yaml".to_owned(), "rules: [".to_owned()),
        ("c.json".to_owned(), "{\"rules\": []".to_owned()),
        ("d.json".to_owned(), "{\"rules\": 7}".to_owned()),
    ];
    let found = read_sources(&texts).unwrap_err();
    let found: Vec<_> = found
        .iter()
        .map(|i| (i.place.as_ref().unwrap().file.as_deref().unwrap(), i.code))
        .collect();
    assert_eq!(
        found,
        [
            ("a.yaml", "missing-field"),
            ("a.yaml", "missing-field"),
            ("a.yaml", "missing-field"),
            ("b.yaml", "invalid-yaml"),
            ("c.json", "invalid-json"),
            ("d.json", "invalid-type"),
        ]
    );
}

#[test]
fn a_rule_named_by_two_files_is_refused_at_the_second() {
    let texts = [
        ("a.yaml".to_owned(), GOOD.to_owned()),
        ("b.yaml".to_owned(), GOOD.to_owned()),
    ];
    let found = read_sources(&texts).unwrap_err();
    assert_eq!((found.len(), found[0].code), (1, "duplicate-name"));
    let place = found[0].place.as_ref().unwrap();
    assert_eq!(
        (place.file.as_deref(), place.line, place.column),
        (Some("b.yaml"), 2, 11)
    );
    assert!(found[0].detail.contains("a.yaml"), "{}", found[0].detail);
}

#[test]
fn a_rule_named_by_two_documents_is_refused_unless_the_buses_differ() {
    assert_eq!(
        read_yaml(&format!("{GOOD}---\n{GOOD}")).unwrap_err()[0].code,
        "duplicate-name"
    );
    assert_eq!(
        read_yaml(&format!("{GOOD}---\nbus: other\n{GOOD}"))
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn json_is_read_with_its_places() {
    let text = "{\"rules\": [\n  {\"name\": \"caf\\u00e9 \\ud83d\\ude00\", \"match\": {}, \"targets\": [{\"name\": \"t\", \"echo\": {}}]}\n]}";
    let found = read_sources(&[("x.json".to_owned(), text.to_owned())]).unwrap_err();
    let place = found[0].place.as_ref().unwrap();
    assert_eq!((found[0].code, place.line, place.column), ("invalid-name", 2, 12));
    assert_eq!(read_json("{").unwrap_err()[0].code, "invalid-json");
}
