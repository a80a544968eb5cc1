use std::fmt::Write;

use super::*;

fn one(text: &str) -> Document {
    let mut documents = read(None, text).unwrap();
    assert_eq!(documents.len(), 1);
    documents.pop().unwrap()
}

fn at(document: &Document, pointer: &str, code: &'static str) -> (u32, u32) {
    document.locate(&Issue::new(pointer, code, ""), "")
}

#[test]
fn numbers_keep_their_spelling() {
    for number in [
        "1.50",
        "100",
        "-0",
        "1e+400",
        "12345678901234567890123",
        "0.10",
        "-1.0",
        "1e-7",
        "0",
    ] {
        for text in [
            format!("a: {number}\n"),
            format!("a: [{number}, 1]"),
            format!("é: ü\na: {number}  # c\n"),
            format!("{{\"a\":{number}}}"),
        ] {
            let value = one(&text).value;
            let found = if value["a"].is_array() {
                &value["a"][0]
            } else {
                &value["a"]
            };
            assert_eq!(found.to_string(), number, "{text:?}");
            assert!(found.is_number(), "{text:?}");
        }
    }
}

#[test]
fn a_number_is_spelled_the_same_from_yaml_as_from_json() {
    for number in ["1e400", "1E+2", "1E5", "-0.0", "1.0e1"] {
        let json: Value = serde_json::from_str(number).unwrap();
        assert_eq!(one(&format!("a: {number}\n")).value["a"], json, "{number}");
    }
}

#[test]
fn spellings_that_json_lacks_become_the_value_or_stay_text() {
    let value = one("hex: 0x10\nplus: +5\ndot: .5\nzeros: 007\nunder: 1_000\nquoted: \"1.50\"\n").value;
    assert_eq!(
        value.to_string(),
        r#"{"hex":16,"plus":5,"dot":0.5,"zeros":"007","under":"1_000","quoted":"1.50"}"#
    );
}

#[test]
fn infinity_is_refused_with_its_place() {
    let issues = read(Some("x.yaml"), "a: 1\nb: [.inf, .nan]\n").unwrap_err();
    let found: Vec<_> = issues
        .iter()
        .map(|i| (i.pointer.as_str(), i.code, i.place.as_ref().unwrap().column))
        .collect();
    assert_eq!(
        found,
        [("/b/0", "invalid-number", 5), ("/b/1", "invalid-number", 11)]
    );
}

#[test]
fn only_true_and_false_are_booleans() {
    let value = one("a: off\nb: yes\nc: true\nd: null\ne: ~\nf:\ng: 'null'\n").value;
    assert_eq!(
        value.to_string(),
        r#"{"a":"off","b":"yes","c":true,"d":null,"e":null,"f":null,"g":"null"}"#
    );
}

#[test]
fn keys_and_values_have_their_places() {
    let document = one("rules:\n  - name: a\n    match: {type: [x, y]}\n    empty:\n  - name: b\n");
    assert_eq!(at(&document, "", "x"), (1, 1));
    assert_eq!(at(&document, "/rules/0/name", "x"), (2, 11));
    assert_eq!(at(&document, "/rules/0/name", "unknown-key"), (2, 5));
    assert_eq!(at(&document, "/rules/0/match/type/1", "x"), (3, 23));
    assert_eq!(at(&document, "/rules/0/empty", "x"), (4, 5));
    assert_eq!(at(&document, "/rules/1", "missing-field"), (5, 5));
    assert_eq!(at(&document, "/rules/1/targets/0", "x"), (5, 5));
}

#[test]
fn an_aliased_value_is_placed_where_it_is_used_and_spelled_as_written() {
    let document = one("base: &n 1.50\nuse: *n\n");
    assert_eq!(document.value["use"].to_string(), "1.50");
    assert_eq!(at(&document, "/use", "x"), (2, 6));
}

#[test]
fn merge_keys_are_merged() {
    let value = one("base: &b {a: 1, b: 2}\nuse:\n  <<: *b\n  b: 3\n").value;
    assert_eq!(value["use"], serde_json::json!({"a": 1, "b": 3}));
}

#[test]
fn every_document_of_a_text_is_read_and_empty_ones_are_not() {
    let documents = read(None, "---\na: 1\n---\n---\nb: 1.50\n...\n").unwrap();
    let values: Vec<_> = documents.iter().map(|d| d.value.to_string()).collect();
    assert_eq!(values, [r#"{"a":1}"#, r#"{"b":1.50}"#]);
    assert_eq!(at(&documents[1], "/b", "x"), (5, 4));
    assert!(read(None, "").unwrap().is_empty());
    assert!(read(None, "# nothing\n").unwrap().is_empty());
}

#[test]
fn every_duplicate_key_is_reported() {
    let issues = read(Some("x.yaml"), "a: 1\nb: {c: 1, c: 2}\na: 2\n").unwrap_err();
    let found: Vec<_> = issues
        .iter()
        .map(|i| {
            (
                i.pointer.as_str(),
                i.code,
                i.place.as_ref().map(|p| (p.line, p.column)).unwrap(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("/b/c", "duplicate-key", (2, 11)),
            ("/a", "duplicate-key", (3, 1))
        ]
    );
}

#[test]
fn an_error_of_syntax_has_a_place_and_its_line() {
    let issues = read(Some("x.yaml"), "a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
    let place = issues[0].place.as_ref().unwrap();
    assert_eq!(
        (issues[0].code, place.file.as_deref()),
        ("invalid-yaml", Some("x.yaml"))
    );
    assert!((2..=4).contains(&place.line), "{place:?}");
    let issues = read(None, "a: 1\nb: {c: *nowhere}\n").unwrap_err();
    assert_eq!(issues[0].place.as_ref().unwrap().line, 2);
    let issues = read(None, "a: 'never closed\n").unwrap_err();
    assert_eq!(issues[0].place.as_ref().unwrap().line, 1);
}

#[test]
fn depth_is_bounded() {
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(read(None, &deep(MAX_DEPTH - 1)).is_ok());
    assert_eq!(read(None, &deep(10_000)).unwrap_err()[0].code, "invalid-yaml");
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let alias = format!("*a{}", n - 1);
        writeln!(text, "a{n}: &a{n} [{}]", vec![alias; 10].join(", ")).unwrap();
    }
    assert_eq!(read(None, &text).unwrap_err()[0].code, "invalid-yaml");
}

#[test]
fn a_large_file_is_within_the_budget() {
    let mut text = "rules:\n".to_owned();
    for n in 0..20_000 {
        writeln!(
            text,
            "  - name: r{n}\n    match: {{type: [a], data: {{total: [{{numeric: ['>', {n}]}}]}}}}"
        )
        .unwrap();
    }
    assert_eq!(one(&text).value["rules"].as_array().unwrap().len(), 20_000);
}

#[test]
fn a_character_of_a_text_is_found_however_the_text_is_written() {
    for (text, character, expected) in [
        ("a: type = 'x' nad b\n", 12, (1, 15)),
        ("a: \"type = 'x' nad b\"\n", 12, (1, 16)),
        ("a: \"t = \\\"x\\\" nad b\"\n", 9, (1, 15)),
        ("a: 't = ''x'' nad b'\n", 9, (1, 15)),
        ("a: |\n  type = 'x'\n  nad b\n", 12, (3, 3)),
        ("a: >-\n  type = 'x'\n  nad b\n", 12, (3, 3)),
        ("a: t\n", 2, (1, 5)),
        ("b: ü\na: üü nad\n", 4, (2, 7)),
    ] {
        let document = &read(None, text).unwrap()[0];
        let mut issue = Issue::new("/a", "invalid-sql", "");
        issue.character = Some(character);
        assert_eq!(document.locate(&issue, text), expected, "{text}");
    }
}
