//! Words, URLs and patterns of the registry.

use serde_json::json;

use super::*;
use crate::catalog::names::EventType;
use crate::catalog::names::SourceName;

fn version(kind: &str, number: u32) -> (EventType, u32) {
    (EventType::parse(kind).unwrap(), number)
}

#[test]
fn settings_come_back_as_they_were_said_and_have_defaults() {
    let defaults = SchemaSettings::parse(&json!({})).unwrap();
    assert_eq!(defaults, SchemaSettings::default());
    for compatibility in ["none", "backward", "forward_transitive", "full_transitive"] {
        let said = json!({ "compatibility": compatibility, "policy": "strict", "validation": "off", "description": "d" });
        let read = SchemaSettings::parse(&said).unwrap();
        assert_eq!(serde_json::Value::Object(read.shown()), said);
    }
    let wrong = json!({ "compatibility": "sideways", "validaton": "off" });
    let issues = SchemaSettings::parse(&wrong).unwrap_err();
    let codes: Vec<_> = issues
        .iter()
        .map(|issue| (issue.pointer.as_str(), issue.code))
        .collect();
    assert_eq!(
        codes,
        [("/validaton", "unknown-key"), ("/compatibility", "invalid-value")]
    );
}

#[test]
fn settings_of_a_bus_accept_what_they_do_not_speak_of() {
    let read = BusSettings::parse(&json!({ "undeclared_types": "reject" })).unwrap();
    assert!(read.rejects_undeclared_types && !read.rejects_unregistered_sources);
    assert_eq!(BusSettings::parse(&read.shown().into()), Ok(read));
    assert!(BusSettings::parse(&json!({ "undeclared_types": true })).is_err());
}

#[test]
fn the_path_of_a_version_leads_back_to_it() {
    let origins = Origins::new([
        "https://bus.example.com/".to_owned(),
        "http://127.0.0.1:80".to_owned(),
    ]);
    for kind in ["a", "com.example.order", "a/b", "ä ?#%", "a%2Fb", "/versions/1"] {
        let path = version_path(kind, 7);
        for base in ["https://bus.example.com", "http://127.0.0.1:80", "json-schema://"] {
            assert_eq!(
                origins.version_at(&format!("{base}{path}")),
                Some(version(kind, 7)),
                "{path}"
            );
        }
        let elsewhere = format!("https://old.example.com{path}");
        assert_eq!(origins.version_at(&elsewhere), None);
        assert_eq!(url::version_anywhere(&elsewhere), Some(version(kind, 7)));
    }
    for other in [
        "https://bus.example.com/v1/schemas/a/versions/latest",
        "https://bus.example.com/v1/schemas/a/versions/01",
        "https://bus.example.com/v1/schemas/a/versions/0",
        "https://bus.example.com/v1/schemas/a/versions/+1",
        "https://bus.example.com/v1/schemas/a/versions/99999999999",
        "https://bus.example.com/v1/schemas/a/versions/1/x",
        "https://bus.example.com.evil/v1/schemas/a/versions/1",
        "https://bus.example.com/v1/schemas//versions/1",
    ] {
        assert_eq!(origins.version_at(other), None, "{other}");
    }
}

#[test]
fn a_source_is_an_exact_text_or_a_prefix() {
    let name = SourceName::parse("shop").unwrap();
    let said = json!({ "name": "shop", "source": "/shop/*", "types": ["a", "b.*"], "owner": "x" });
    let read = RegisteredSource::parse(&name, &said).unwrap();
    assert_eq!((read.source.as_str(), read.types.len()), ("/shop/*", 2));
    assert_eq!(read.spec.get("name"), None);
    assert_eq!(RegisteredSource::parse(&name, &read.spec), Ok(read));
    for (said, pointer, code) in [
        (json!({}), "", "missing-field"),
        (json!({ "source": "/a*b" }), "/source", "invalid-value"),
        (json!({ "source": "" }), "/source", "invalid-value"),
        (
            json!({ "source": "/a", "types": ["**"] }),
            "/types/0",
            "invalid-value",
        ),
        (
            json!({ "source": "/a", "types": [1] }),
            "/types/0",
            "invalid-type",
        ),
        (json!({ "source": "/a", "name": "b" }), "/name", "name-mismatch"),
    ] {
        let issues = RegisteredSource::parse(&name, &said).unwrap_err();
        assert_eq!(
            (issues[0].pointer.as_str(), issues[0].code),
            (pointer, code),
            "{said}"
        );
    }
}
