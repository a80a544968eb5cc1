//! What holds of any data.

use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::seen;
use crate::schema::infer::drift;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(&["red", "green", "blue", ""][..]).prop_map(str::to_owned),
        // Near formats, on both sides.
        "[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,10})?(Z|z|[+-][0-2][0-9]:[0-5][0-9]))?",
        "[0-9a-fA-F]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "[a-z.+]{1,5}@[a-z-]{1,4}\\.[a-z.]{1,4}",
        "[a-z]{1,5}://[a-z.-]{1,6}(:[0-9]{1,6})?(/[a-z%0-9\\[ü]{0,4})?(\\?[a-z]{0,3})?(#[a-z#]{0,3})?",
        ".{0,3}",
    ]
}

fn leaf() -> impl Strategy<Value = Value> {
    let number = "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?(e-?[0-9]{1,3})?";
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        number.prop_map(|text| serde_json::from_str(&text).expect("a number")),
        "[1-9][0-9]{15,40}(\\.0)?".prop_map(|text| serde_json::from_str(&text).expect("a number")),
        text().prop_map(Value::from),
    ]
}

fn data() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 24, 6, |inner| {
        let key = prop_oneof![
            4 => prop::sample::select(&["a", "b", "c d", "$ref"][..]).prop_map(str::to_owned),
            1 => "[a-z0-9]{3}",
        ];
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => prop::collection::vec((key, inner), 0..5).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// Some kinds of events, each repeated, so that there is evidence for formats, choices and required members.
fn traffic() -> impl Strategy<Value = Vec<Value>> {
    let kinds = prop::collection::vec((data(), 1..60_usize), 1..6);
    kinds.prop_map(|kinds| {
        let kinds = kinds.into_iter();
        kinds
            .flat_map(|(value, count)| std::iter::repeat_n(value, count))
            .collect()
    })
}

/// Strings of one kind, many of them.
fn strings() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(text(), 1..4)
        .prop_map(|few| few.into_iter().cycle().take(80).map(Value::from).collect())
}

/// Objects with keys such as ids.
fn maps() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec((0..400_u32, data()), 1..250).prop_map(|all| {
        let one = |(key, value)| json!({"map": {format!("k{key}"): value}, "n": 1});
        all.into_iter().map(one).collect()
    })
}

fn assert_accepts(schema: &Value, data: &[Value]) -> Result<(), TestCaseError> {
    let options = jsonschema::options().should_validate_formats(true).build(schema);
    let validator = options.map_err(|error| TestCaseError::fail(error.to_string()))?;
    for value in data {
        prop_assert!(validator.is_valid(value), "{schema} refuses {value}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// A proposed schema accepts what it was made from, and finds no drift in it.
    #[test]
    fn a_proposed_schema_fits_its_data(data in prop_oneof![traffic(), strings(), maps()]) {
        let inference = seen(&data);
        let schema = inference.schema();
        assert_accepts(&schema, &data)?;
        let findings = drift(&schema, &inference.statistics());
        prop_assert!(findings.is_empty(), "{:?} {}", findings, schema);
    }

    /// The order of the events does not matter while no bound is reached.
    #[test]
    fn the_order_does_not_matter(data in prop_oneof![traffic(), strings(), maps()], turn in any::<prop::sample::Index>()) {
        let mut turned = data.clone();
        turned.rotate_left(turn.index(data.len()));
        turned.reverse();
        let (one, two) = (seen(&data), seen(&turned));
        prop_assume!(!one.statistics().bounded && !two.statistics().bounded);
        prop_assert_eq!(one.schema(), two.schema());
        let list = |inference: &super::Inference| {
            let mut statistics = serde_json::to_value(inference.statistics()).expect("JSON");
            for field in statistics["fields"].as_array_mut().expect("fields") {
                if field["more"] != 0 {
                    // Which ones are kept depends on the order.
                    field["values"] = Value::Null;
                    field["more"] = Value::Null;
                }
            }
            statistics
        };
        prop_assert_eq!(list(&one), list(&two));
    }
}
