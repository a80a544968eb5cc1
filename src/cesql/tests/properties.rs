//! Laws that hold for any text and any event.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::Expression;
use crate::pattern::EventView;
use crate::pattern::Filter;
use crate::pattern::Residual;
use crate::pattern::RuleSet;
use crate::pattern::Scalar;

/// Text made of what the language gives a meaning to.
fn any_text() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "AND", "OR", "XOR", "NOT", "LIKE", "IN", "EXISTS", "TRUE", "a", "b", "1", "-", "+", "*", "/", "%",
        "=", "<>", "<=", "(", ")", ",", "'a%'", "\"x\"", "'5'", "LEFT", "CONCAT", "ABS", "\\", "'", "é",
    ]);
    vec(parts, 0..12).prop_map(|parts| parts.join(" "))
}

/// Expressions that can be read, of attributes `a`, `b` and `c`.
fn any_expression() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "c"]);
    let text = prop::sample::select(vec!["'x'", "'xy'", "'5'", "'05'", "'true'", "'TRUE'", "''"]);
    let pattern = prop::sample::select(vec!["'x%'", "'%y'", "'%'", "'x_'", "'5%'", "'t%e'", "'x'"]);
    let other = prop::sample::select(vec!["5", "TRUE", "FALSE", "LENGTH(a)", "UPPER(b)"]);
    let value = prop_oneof![name.clone(), text.clone(), other];
    let condition = prop_oneof![
        (name.clone(), text.clone()).prop_map(|(a, b)| format!("{a} = {b}")),
        (
            value.clone(),
            prop::sample::select(vec!["=", "!=", "<", "+"]),
            value.clone()
        )
            .prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
        (name.clone(), pattern).prop_map(|(a, p)| format!("{a} LIKE {p}")),
        (name.clone(), vec(text, 1..3)).prop_map(|(a, set)| format!("{a} IN ({})", set.join(", "))),
        name.prop_map(|a| format!("EXISTS {a}")),
        value.prop_map(str::to_owned),
    ];
    condition.prop_recursive(3, 12, 3, |inner| {
        let operator = prop::sample::select(vec!["AND", "OR", "XOR", "="]);
        prop_oneof![
            (inner.clone(), operator.clone(), inner.clone()).prop_map(|(a, o, b)| format!("({a}) {o} ({b})")),
            (inner.clone(), operator, inner.clone()).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
            inner.prop_map(|a| format!("NOT ({a})")),
        ]
    })
}

fn any_scalar() -> impl Strategy<Value = Option<Scalar<'static>>> {
    prop::sample::select(vec![
        None,
        Some(Scalar::String("x")),
        Some(Scalar::String("xy")),
        Some(Scalar::String("5")),
        Some(Scalar::String("TRUE")),
        Some(Scalar::Integer(5)),
        Some(Scalar::Boolean(true)),
        Some(Scalar::Boolean(false)),
    ])
}

/// The expression as a rule has it.
#[derive(Debug)]
struct Rest(Expression);

impl Residual for Rest {
    fn passes(&self, event: &EventView<'_>) -> bool {
        self.0.passes(event.attributes)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// What is read can be evaluated and explained, and both agree with the filter.
    #[test]
    fn any_text_is_refused_or_evaluated(text in any_text(), a in any_scalar()) {
        let Ok(expression) = text.parse::<Expression>() else { return Ok(()) };
        let event: Vec<_> = a.into_iter().map(|value| ("a", value)).collect();
        let outcome = expression.evaluate(&event);
        let passes = outcome.fault.is_none() && outcome.value == super::super::Value::Boolean(true);
        prop_assert_eq!(expression.passes(&event), passes);
        prop_assert_eq!(expression.explain(&event).is_none(), passes);
    }

    /// No event that passes is lost by what a rule set is told in advance.
    #[test]
    fn a_rule_set_finds_all_that_pass(text in any_expression(), values in [any_scalar(), any_scalar(), any_scalar()]) {
        let expression: Expression = text.parse().unwrap();
        let named = ["a", "b", "c"].into_iter().zip(values);
        let attributes: Vec<_> = named.filter_map(|(name, value)| Some((name, value?))).collect();
        let passes = expression.passes(&attributes);
        let filter = Filter::guarded(expression.access(), Arc::new(Rest(expression)));
        let view = EventView { attributes: &attributes, data: None };
        let found = RuleSet::compile([((), filter)]).matching(&view);
        prop_assert_eq!(!found.is_empty(), passes);
    }
}
