//! What comes out.

use super::Attribute;
use super::ORDER;
use super::apply;
use super::attribute;
use super::data;
use super::event;
use super::made;
use super::typed;

/// What a template makes of the order.
fn render(template: &str) -> String {
    data(&format!(r#"[{{"data":{template}}}]"#), event(ORDER))
}

#[test]
fn an_expression_alone_keeps_its_type() {
    for (template, expected) in [
        (r#""${$.data.id}""#, r#""o-1""#),
        (r#""${$.data.total}""#, "250.50"),
        (r#""${$.data.big}""#, "12345678901234567890"),
        (r#""${$.data.note}""#, "null"),
        (r#""${$.data.customer.tags}""#, r#"["x","y"]"#),
        (r#""${ $.data.customer.age }""#, "36"),
        (r#""${$['data']['items'][1]['sku']}""#, r#""b""#),
        (r#""${$.type}""#, r#""order""#),
        (r#""${$.hops}""#, "3"),
        (r#""${$.dry}""#, "true"),
        (r#""${$.specversion}""#, r#""1.0""#),
    ] {
        assert_eq!(render(template), expected, "{template}");
    }
}

#[test]
fn an_expression_in_text_is_written_out() {
    for (template, expected) in [
        (
            r#""Order ${$.data.id} over ${$.data.total}""#,
            r#""Order o-1 over 250.50""#,
        ),
        (r#""${$.data.id}${$.hops}""#, r#""o-13""#),
        (r#"" ${$.hops}""#, r#"" 3""#),
        (r#""by ${$.data.customer.name}""#, r#""by Ada \"A\" L.""#),
        (r#""tags ${$.data.customer.tags}""#, r#""tags [\"x\",\"y\"]""#),
        (r#""note ${$.data.note}, ${$.data.none}""#, r#""note null, null""#),
    ] {
        assert_eq!(render(template), expected, "{template}");
    }
}

#[test]
fn what_is_missing_is_null_or_the_default() {
    for (template, expected) in [
        (r#""${$.data.none}""#, "null"),
        (r#""${$.data.items[7].sku}""#, "null"),
        (r#""${$.data.none ?? 5}""#, "5"),
        (
            r#""${$.data.none ?? {\"a\":{\"b\":\"}\"}}}""#,
            r#"{"a":{"b":"}"}}"#,
        ),
        (r#""${$.data.none??\"??\"}""#, r#""??""#),
        (r#""is ${$.data.none ?? \"absent\"}""#, r#""is absent""#),
        (r#""${$.data.id ?? 5}""#, r#""o-1""#),
        (r#""${$.data.note ?? 5}""#, "null"),
        (r#""${$.data.items[?@.n > 7].sku ?? []}""#, "[]"),
    ] {
        assert_eq!(render(template), expected, "{template}");
    }
}

#[test]
fn queries_yield_one_value_or_a_list() {
    for (path, expected) in [
        ("$.data.items[*].sku", r#"["a","b"]"#),
        ("$..n", "[1,2]"),
        ("$.data.items[?@.sku == 'b'].n", "2"),
        ("$.data.items[?@.sku == '..$}'].n", "null"),
        ("$.data.items[-1].sku", r#""b""#),
        ("$.data['id','total']", r#"["o-1",250.50]"#),
    ] {
        assert_eq!(render(&format!(r#""${{{path}}}""#)), expected, "{path}");
    }
}

#[test]
fn names_stand_for_facts() {
    assert_eq!(
        render(r##"["${now}","${rule}","${bus}","${sequence}","#${sequence} on ${bus}"]"##),
        r##"["2023-11-14T22:13:20.123Z","big-orders","default",42,"#42 on default"]"##
    );
    let whole = r#"{"specversion":"1.0","id":"e-1","source":"/shop","type":"order","hops":3,"dry":true,"data":[1.0]}"#;
    assert_eq!(data(r#"[{"data":"${event}"}]"#, event("[1.0]")), whole);
    assert_eq!(
        data(r#"[{"data":"${event.json}"}]"#, event("[1.0]")),
        serde_json::Value::from(whole).to_string()
    );
}

#[test]
fn literals_pass_through() {
    for (template, expected) in [
        ("null", "null"),
        ("1.50", "1.50"),
        (r#"{"a":[true,"x",{}],"b":""}"#, r#"{"a":[true,"x",{}],"b":""}"#),
        (r#""$${now} costs $5 {} }""#, r#""${now} costs $5 {} }""#),
        (r#"{"${now}":"${$.hops}"}"#, r#"{"${now}":3}"#),
    ] {
        assert_eq!(render(template), expected, "{template}");
    }
}

#[test]
fn values_cannot_break_the_json_around_them() {
    let nasty = r#"{"v":"\",\"x\":\"${now}"}"#;
    let made = data(r#"[{"data":{"v":"<${$.data.v}>"}}]"#, event(nasty));
    assert_eq!(made, r#"{"v":"<\",\"x\":\"${now}>"}"#);
}

#[test]
fn keep_leaves_fields_at_their_places() {
    for (paths, expected) in [
        (
            r#"["$.data.id","$.data.total"]"#,
            r#"{"id":"o-1","total":250.50}"#,
        ),
        (
            r#"["$.data.customer.age","$.data.id","$.data.customer.tags"]"#,
            r#"{"customer":{"age":36,"tags":["x","y"]},"id":"o-1"}"#,
        ),
        (
            r#"["$.data.none","$.data.id.deeper","$.data.items.sku","$.data.note"]"#,
            r#"{"note":null}"#,
        ),
        (r#"["$.data['customer']['age']"]"#, r#"{"customer":{"age":36}}"#),
    ] {
        assert_eq!(
            data(&format!(r#"[{{"keep":{paths}}}]"#), event(ORDER)),
            expected,
            "{paths}"
        );
    }
    assert_eq!(data(r#"[{"keep":["$.data.id"]}]"#, event("[1]")), "{}");
}

#[test]
fn steps_work_on_what_the_steps_before_them_made() {
    let steps = r#"[
        {"keep":["$.data.id"]},
        {"set":{"type":"call","subject":"${$.type}-${$.data.id}"}},
        {"data":{"was":"${$.data}","total":"${$.data.total}","type":"${$.type}"}}]"#;
    let result = apply(steps, event(ORDER)).unwrap();
    assert_eq!(
        made(&result),
        r#"{"was":{"id":"o-1"},"total":null,"type":"call"}"#
    );
    assert_eq!(
        attribute(&result, "subject"),
        Some(Attribute::String("order-o-1".to_owned()))
    );
}

#[test]
fn set_sets_and_removes_attributes_and_leaves_data_alone() {
    let steps = r#"[{"set":{"type":"t","hops":null,"count":"${$.data.items[0].n}","dry":false,
        "gone":"${$.data.none}","big":7}}]"#;
    let before = event(ORDER);
    let after = apply(steps, before.clone()).unwrap();
    assert_eq!(after.data, before.data);
    let text = |text: &str| Attribute::String(text.to_owned());
    let expected = [
        ("id", text("e-1")),
        ("source", text("/shop")),
        ("type", text("t")),
        ("dry", Attribute::Boolean(false)),
        ("count", Attribute::Integer(1)),
        ("big", Attribute::Integer(7)),
    ];
    assert_eq!(
        after.attributes,
        expected.map(|(name, value)| (name.to_owned(), value))
    );
}

#[test]
fn data_of_other_types_is_text_or_absent() {
    for (content_type, bytes, expected) in [
        ("text/plain; charset=utf-8", b"5 <b>" as &[u8], r#""5 <b>""#),
        ("TEXT/HTML", b"{}", r#""{}""#),
        ("text/plain", b"\xff", r#""none""#),
        ("application/octet-stream", b"5", r#""none""#),
        ("application/json", b"{", r#""none""#),
        ("application/json;charset=utf-8", b"5.0", "5.0"),
        ("text/json", b"5", "5"),
        ("application/vnd.shop+json", b"5", "5"),
    ] {
        let made = data(
            r#"[{"data":"${$.data ?? \"none\"}"}]"#,
            typed(content_type, bytes),
        );
        assert_eq!(made, expected, "{content_type}");
    }
}

#[test]
fn json_that_a_step_made_is_called_json() {
    let content_type = |steps: &str| {
        attribute(
            &apply(steps, typed("text/plain", "x")).unwrap(),
            "datacontenttype",
        )
    };
    let text = |text: &str| Some(Attribute::String(text.to_owned()));
    assert_eq!(content_type(r#"[{"set":{"subject":"s"}}]"#), text("text/plain"));
    assert_eq!(content_type(r#"[{"data":1}]"#), text("application/json"));
    for steps in [
        r#"[{"data":1},{"set":{"datacontenttype":"a/b+json"}}]"#,
        r#"[{"set":{"datacontenttype":"a/b+json"}},{"data":1}]"#,
    ] {
        assert_eq!(content_type(steps), text("a/b+json"), "{steps}");
    }
    assert_eq!(
        content_type(r#"[{"data":1},{"set":{"datacontenttype":null}}]"#),
        None
    );
}

#[test]
fn no_steps_change_nothing() {
    assert_eq!(apply("[]", event("not json")).unwrap(), event("not json"));
}
