//! What is no expression, or none that can filter, and how that is said.

use super::Expression;
use super::expression;

/// The first problem as `character code: detail; correction`.
fn refusal(text: &str) -> String {
    let error = Expression::predicate(text).expect_err(text);
    let correction = error.correction.map(|correction| format!("; {correction}"));
    format!(
        "{} {}: {}{}",
        error.character,
        error.code,
        error.detail,
        correction.unwrap_or_default()
    )
}

#[test]
fn a_refusal_says_where_and_what_to_write_instead() {
    for (text, expected) in [
        ("", "1 invalid-sql: the expression ends where a value should be"),
        (
            "a = ",
            "5 invalid-sql: the expression ends where a value should be",
        ),
        (
            "(a = 'x'",
            "9 invalid-sql: the expression ends where the closing bracket should be",
        ),
        (
            "a = 'x')",
            "8 invalid-sql: `)` stands where an operator or the end should be",
        ),
        (
            "'ü' = 'x' nad b",
            "11 invalid-sql: `nad` stands where an operator or the end should be; did you mean `AND`?",
        ),
        (
            "type lkie 'x'",
            "6 invalid-sql: `lkie` stands where an operator or the end should be; did you mean `LIKE`?",
        ),
        (
            "a == 'x'",
            "4 invalid-sql: an operator stands where a value should be; equality is one `=`",
        ),
        (
            "a = 'x",
            "5 invalid-sql: the string that begins here does not end; close it with '",
        ),
        (
            r"a = 'x\'",
            "5 invalid-sql: the string that begins here does not end; close it with '",
        ),
        ("a && b", "3 invalid-sql: `&` has no meaning here; write AND"),
        ("a || b", "3 invalid-sql: `|` has no meaning here; write OR"),
        ("!a", "1 invalid-sql: `!` has no meaning here; write != or NOT"),
        (
            "data.total > 5",
            "5 invalid-sql: `.` has no meaning here; CESQL sees attributes only; an event pattern matches fields of the payload",
        ),
        (
            "a LIKE b",
            "8 invalid-sql: `b` stands where the string of LIKE should be; LIKE takes a string literal, such as 'com.example.%'",
        ),
        (
            "a IN ()",
            "7 invalid-sql: `)` stands where a value of IN should be",
        ),
        (
            "a IN 'x'",
            "6 invalid-sql: a string stands where the bracket of IN should be",
        ),
        ("LEFT(a,)", "8 invalid-sql: `)` stands where a value should be"),
        (
            "EXISTS 'a'",
            "8 invalid-sql: a string stands where the name of an attribute should be",
        ),
        (
            "EXISTS and",
            "8 invalid-sql: `and` stands where the name of an attribute should be",
        ),
        (
            "my_ext = 'x'",
            "1 invalid-sql: `my_ext` names no attribute: those consist of letters and digits",
        ),
        (
            "a = 2147483648",
            "5 invalid-sql: 2147483648 is not an integer of 32 bits; compare longer numbers as strings",
        ),
        (
            "F5(a)",
            "1 invalid-sql: `F5` stands where a value or the name of a function should be",
        ),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
    }
}

#[test]
fn what_no_event_can_pass_is_refused_as_a_filter() {
    for (text, expected) in [
        (
            "LENGHT(a) > 5",
            "1 unknown-function: LENGHT is not a function; did you mean `LENGTH`?",
        ),
        (
            "TRUE AND left(a) = 'x'",
            "10 unknown-function: LEFT takes 2 arguments",
        ),
        (
            "SUBSTRING(a) = 'x'",
            "1 unknown-function: SUBSTRING takes 2 to 3 arguments",
        ),
        (
            "CONCAT_WS() = 'x'",
            "1 unknown-function: CONCAT_WS takes at least 1 argument",
        ),
        (
            "'x'",
            "1 not-a-predicate: the value is a String, and only a Boolean lets events pass; compare it with a value",
        ),
        (
            "LENGTH(a) + 1",
            "1 not-a-predicate: the value is an Integer, and only a Boolean lets events pass; compare it with a value",
        ),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
    }
}

#[test]
fn functions_that_nobody_knows_are_listed() {
    let text = refusal("FROBNICATE(a)");
    assert!(text.contains("the functions are ABS, BOOL, CONCAT,"), "{text}");
}

#[test]
fn length_and_depth_are_bounded() {
    let code = |text: &str| text.parse::<Expression>().map_err(|error| error.code);
    let nested = |levels: usize| format!("{}TRUE{}", "(".repeat(levels), ")".repeat(levels));
    assert!(code(&nested(60)).is_ok());
    assert_eq!(code(&nested(8_000)), Err("sql-too-deep"));
    assert_eq!(
        code(&format!("{}TRUE", "NOT ".repeat(4_000))),
        Err("sql-too-deep")
    );
    assert_eq!(code(&format!("{}1", "- ".repeat(8_000))), Err("sql-too-deep"));
    assert_eq!(
        code(&format!("a{}", " IN (1)".repeat(2_000))),
        Err("sql-too-deep")
    );
    assert_eq!(
        code(&format!("{}1{}", "ABS(".repeat(3_000), ")".repeat(3_000))),
        Err("sql-too-deep")
    );
    assert_eq!(code(&" ".repeat(20_000)), Err("sql-too-long"));
    // Operators in a row are not depth.
    let long = vec!["id = 'e'"; 1_000].join(" OR ");
    assert!(!expression(&long).passes(super::EVENT));
}
