//! What expressions yield.

use super::EVENT;
use super::assert_outcomes;
use super::expression;
use crate::pattern::Scalar;

#[test]
fn literals_are_numbers_truths_and_strings_of_both_quotes() {
    assert_outcomes(&[
        ("42", "42"),
        ("-42", "-42"),
        ("+42", "42"),
        ("- 42", "-42"),
        ("-2147483648", "-2147483648"),
        ("2147483647", "2147483647"),
        ("TrUe", "true"),
        ("false", "false"),
        ("''", "''"),
        (r#""a'b""#, r"'a\'b'"),
        (r"'a\'b'", r"'a\'b'"),
        ("'a''b'", r"'a\'b'"),
        (r#""a""b""#, r#"'a"b'"#),
        (r"'a\nb\\'", r"'a\nb\\'"),
        ("'Grüße 🚋'", "'Grüße 🚋'"),
        ("\t(\r\n 1 )", "1"),
    ]);
}

#[test]
fn attributes_keep_their_types_and_are_named_in_any_case() {
    assert_outcomes(&[
        ("id", "'e-1'"),
        ("TYPE", "'com.example.order.created'"),
        ("count", "5"),
        ("dry", "true"),
        ("subject", "false missingAttribute"),
        ("EXISTS subject", "false"),
        ("exists COUNT", "true"),
        ("NOT EXISTS subject", "true"),
    ]);
}

#[test]
fn operators_bind_as_the_specification_orders_them() {
    assert_outcomes(&[
        ("2 + 3 * 4", "14"),
        ("(2 + 3) * 4", "20"),
        ("20 / 2 / 5", "2"),
        ("10 - 2 - 3", "5"),
        ("4-1", "3"),
        ("4 -1", "3"),
        ("4--1", "5"),
        ("1 + 1 = 2", "true"),
        ("1 < 2 = TRUE", "true"),
        ("NOT TRUE = FALSE", "true"),
        ("NOT (TRUE = TRUE)", "false"),
        ("NOT NOT dry", "true"),
        ("- - 5", "5"),
        ("-count + 10", "5"),
        ("-'3' LIKE '-3'", "true"),
        ("'1' IN ('1') = TRUE", "true"),
        ("TRUE OR FALSE AND FALSE", "false"),
        ("TRUE OR (FALSE AND FALSE)", "true"),
        ("FALSE AND TRUE OR TRUE", "true"),
        ("TRUE XOR TRUE OR TRUE", "true"),
    ]);
}

#[test]
fn the_right_operand_decides_the_type_of_an_equality() {
    assert_outcomes(&[
        ("hop = 5", "true"),
        ("hop = '5'", "false"),
        ("count = '5'", "true"),
        ("'05' = count", "true"),
        ("dry = 'true'", "true"),
        ("dry = 'TRUE'", "false"),
        ("'TRUE' = dry", "true"),
        ("count = TRUE", "true"),
        ("id = 5", "false cast"),
        ("id != 5", "false cast"),
        ("id = TRUE", "false cast"),
        ("'a' = 'A'", "false"),
    ]);
}

#[test]
fn the_left_operand_decides_the_type_of_a_set() {
    assert_outcomes(&[
        ("count IN ('4', '5')", "true"),
        ("hop IN (5)", "false"),
        ("hop NOT IN (5)", "true"),
        ("id IN (1, 2, 'e-1')", "true"),
        ("count IN ('x', 5)", "false cast"),
        ("count IN (5, 'x')", "true"),
        ("count NOT IN ('x', 5)", "false cast"),
        ("subject IN ('a')", "false missingAttribute"),
        ("id IN (subject)", "false missingAttribute"),
    ]);
}

#[test]
fn calculations_stay_within_32_bits() {
    assert_outcomes(&[
        ("7 / -2", "-3"),
        ("-7 % 3", "-1"),
        ("7 % -3", "1"),
        ("1 / 0", "0 math"),
        ("1 % 0", "0 math"),
        ("2147483647 + 1", "2147483647 math"),
        ("-2147483648 - 1", "-2147483648 math"),
        ("2147483647 * 2147483647", "2147483647 math"),
        ("-2147483648 / -1", "2147483647 math"),
        ("-2147483648 % -1", "0"),
        ("-(-2147483648)", "2147483647 math"),
        ("1 + 2147483647 * 2", "0 math"),
        ("subject / 0", "0 missingAttribute"),
        ("'x' / 0", "0 cast"),
    ]);
}

#[test]
fn a_fault_ends_the_evaluation_unless_a_short_cut_avoids_it() {
    assert_outcomes(&[
        ("FALSE AND subject", "false"),
        ("TRUE OR subject", "true"),
        ("TRUE AND subject", "false missingAttribute"),
        ("FALSE OR subject", "false missingAttribute"),
        ("subject AND FALSE", "false missingAttribute"),
        ("subject OR TRUE", "false missingAttribute"),
        ("FALSE AND subject OR TRUE", "true"),
        ("TRUE XOR subject", "false missingAttribute"),
        ("subject = 1 / 0", "false missingAttribute"),
        ("NOT subject", "false missingAttribute"),
        ("NOT 10", "true cast"),
        ("NOT 'maybe'", "false cast"),
        ("'maybe' AND TRUE", "false cast"),
        ("-id", "0 cast"),
        ("1 < id", "false cast"),
        ("LENGTH(subject)", "0 missingAttribute"),
        ("UPPER(subject)", "'' missingAttribute"),
        ("NOSUCH(1)", "false missingFunction"),
        ("LEFT('a')", "false missingFunction"),
        ("FALSE AND NOSUCH(1)", "false"),
    ]);
}

#[test]
fn functions_count_characters_and_cast_their_arguments() {
    assert_outcomes(&[
        ("LENGTH('Grüße')", "5"),
        ("length (count)", "1"),
        ("CONCAT('a', 1, TRUE)", "'a1true'"),
        ("CONCAT_WS('-', 'a', 1)", "'a-1'"),
        ("CONCAT_WS('-')", "''"),
        ("UPPER('ß')", "'SS'"),
        ("LOWER('ÄB')", "'äb'"),
        ("TRIM('\u{a0} a b\t')", "'a b'"),
        ("TRIM(LOWER(' A '))", "'a'"),
        ("LEFT('Grüße', 3)", "'Grü'"),
        ("LEFT('abc', 0)", "''"),
        ("RIGHT('Grüße', 3)", "'üße'"),
        ("RIGHT('abc', 0)", "''"),
        ("RIGHT('abc', '2')", "'bc'"),
        ("RIGHT('abc', -1)", "'abc' functionEvaluation"),
        ("SUBSTRING('Grüße', 3)", "'üße'"),
        ("SUBSTRING('Grüße', -3, 2)", "'üß'"),
        ("SUBSTRING('abc', 3, 9)", "'c'"),
        ("SUBSTRING('abc', 2, 0)", "''"),
        ("SUBSTRING('abc', 1, -1)", "'' functionEvaluation"),
        ("SUBSTRING('abc', 4)", "'' functionEvaluation"),
        ("SUBSTRING('', 0)", "''"),
        ("ABS('-3')", "3"),
        ("ABS(-2147483648)", "2147483647 math"),
        ("ABS(-2147483648) + 1", "0 math"),
        ("INT('+7')", "7"),
        ("INT('7.0')", "0 cast"),
        ("INT('')", "0 cast"),
        ("INT(TRUE)", "1"),
        ("BOOL('yes')", "false cast"),
        ("BOOL(-1)", "true"),
        ("STRING(dry)", "'true'"),
        ("LEFT(1 / 0, 1)", "'' math"),
    ]);
}

#[test]
fn like_knows_runs_and_single_characters() {
    assert_outcomes(&[
        ("'abc' LIKE '%'", "true"),
        ("'' LIKE '%'", "true"),
        ("'' LIKE ''", "true"),
        ("'' LIKE '_'", "false"),
        ("'ü' LIKE '_'", "true"),
        ("'abab' LIKE '%ab'", "true"),
        ("'aab' LIKE '%ab%b'", "false"),
        ("'aXbXc' LIKE 'a_b%_c'", "true"),
        ("'xaYbz' LIKE '%a_b%'", "true"),
        ("'aab' LIKE '%a_'", "true"),
        ("'ab' LIKE 'a%%b'", "true"),
        ("'a' LIKE 'a%a'", "false"),
        ("'aa' LIKE '_%_'", "true"),
        ("'a' LIKE '_%_'", "false"),
        ("'ABC' LIKE 'abc'", "false"),
        (r"'a%c' LIKE 'a\%c'", "true"),
        (r"'abc' LIKE 'a\%c'", "false"),
        (r"'a_c' LIKE 'a\_c'", "true"),
        (r"'a\c' LIKE 'a\c'", "true"),
        (r"'a\\c' LIKE 'a\\c'", "true"),
        ("count LIKE '5'", "true"),
        ("subject NOT LIKE 'a'", "false missingAttribute"),
    ]);
}

#[test]
fn an_event_passes_only_if_the_value_is_true_and_nothing_went_wrong() {
    for (text, passes) in [
        ("TRUE", true),
        ("dry", true),
        ("count", false),
        ("'true'", false),
        ("id = 'e-1' OR subject = 'x'", true),
        ("subject = 'x' OR id = 'e-1'", false),
        ("NOT 10", false),
        ("NOT (subject = 'x')", false),
    ] {
        assert_eq!(expression(text).passes(EVENT), passes, "{text}");
    }
}

#[test]
fn an_evaluation_on_huge_attributes_ends_soon() {
    let huge = "a".repeat(4 << 20);
    let event = [("subject", Scalar::String(&huge))];
    for text in [
        "LENGTH(CONCAT(subject, subject)) > 0",
        "subject LIKE '%a_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab%'",
        "LENGTH(CONCAT_WS(subject, 'a', 'b', 'c')) > 0",
    ] {
        let expression = expression(text);
        let fault = expression.evaluate(&event).fault.map(|fault| fault.kind.name());
        assert_eq!(fault, Some("generic"), "{text}");
        assert!(!expression.passes(&event), "{text}");
    }
}
