use serde_json::json;

use super::*;
use crate::secret::Keys;

fn vault() -> Vault {
    Vault::new(Keys::parse(Keys::generate().expose()).unwrap(), None)
}

fn name() -> ConnectionName {
    ConnectionName::parse("crm").unwrap()
}

fn given(value: &Value) -> Result<Connection, Vec<Issue>> {
    Connection::given(&name(), value, None, &vault())
}

#[test]
fn every_way_to_prove_who_calls_is_read() {
    for value in [
        json!({"basic": {"username": "u", "password": "p"}}),
        json!({"bearer": {"token": "t"}}),
        json!({"api_key": {"header": "X-Api-Key", "value": "k"}}),
        json!({"api_key": {"query": "key", "value": "${env:TRAMLINE_SECRET_K}"}}),
        json!({"headers": {"X-Tenant": "t"}}),
        json!({"body": {"tenant": "t"}}),
        json!({"oauth2": {"token_url": "https://h/t", "client_id": "i", "client_secret": "s",
            "scope": "a b", "audience": "x", "client_auth": "body", "params": {"resource": "r"}}}),
        json!({"mtls": {"cert": "${file:crm.crt}", "key": "${file:crm.key}"}, "bearer": {"token": "t"}}),
        json!({"name": "crm", "description": "why", "query": {"a": "1"}}),
    ] {
        let read = given(&value).unwrap();
        let stored = Connection::stored(&name(), &read.spec).unwrap();
        assert_eq!(stored.spec, read.spec, "{value}");
        assert_eq!(stored.description, read.description);
    }
}

#[test]
fn a_wrong_connection_says_what_and_where_and_no_secret() {
    for (value, pointer, code) in [
        (json!([]), "", "invalid-type"),
        (json!({}), "", "missing-field"),
        (json!({"description": "nothing"}), "", "missing-field"),
        (
            json!({"name": "other", "bearer": {"token": "hunter2"}}),
            "/name",
            "name-mismatch",
        ),
        (
            json!({"bearrer": {"token": "hunter2"}}),
            "/bearrer",
            "unknown-key",
        ),
        (json!({"bearer": "hunter2"}), "/bearer", "invalid-type"),
        (json!({"bearer": {}}), "/bearer", "missing-field"),
        (json!({"bearer": {"token": 7}}), "/bearer/token", "invalid-type"),
        (
            json!({"bearer": {"token": "hunter2\n"}}),
            "/bearer/token",
            "invalid-value",
        ),
        (
            json!({"bearer": {"token": {"set": true}}}),
            "/bearer/token",
            "secret-not-set",
        ),
        (
            json!({"bearer": {"token": "${env:PATH}"}}),
            "/bearer/token",
            "secret-reference-not-allowed",
        ),
        (
            json!({"bearer": {"token": {"sealed": "v1.x.y", "owner": "o"}}}),
            "/bearer/token",
            "invalid-type",
        ),
        (json!({"basic": {"username": "u"}}), "/basic", "missing-field"),
        (
            json!({"basic": {"username": "u:v", "password": "hunter2"}}),
            "/basic/username",
            "invalid-value",
        ),
        (
            json!({"api_key": {"value": "hunter2"}}),
            "/api_key",
            "missing-field",
        ),
        (
            json!({"api_key": {"header": "a", "query": "b", "value": "v"}}),
            "/api_key",
            "missing-field",
        ),
        (
            json!({"api_key": {"header": "host", "value": "v"}}),
            "/api_key/header",
            "invalid-value",
        ),
        (
            json!({"api_key": {"header": "a b", "value": "v"}}),
            "/api_key/header",
            "invalid-value",
        ),
        (
            json!({"bearer": {"token": "t"}, "basic": {"username": "u", "password": "p"}}),
            "/bearer",
            "invalid-connection",
        ),
        (
            json!({"headers": {"Content-Length": "1"}}),
            "/headers/Content-Length",
            "invalid-value",
        ),
        (
            json!({"headers": {"a": "1", "A": "2"}}),
            "/headers/A",
            "invalid-value",
        ),
        (
            json!({"headers": {"a": "hunter2\r\nb: c"}}),
            "/headers/a",
            "invalid-value",
        ),
        (json!({"query": {"": "1"}}), "/query/", "invalid-value"),
    ] {
        refused(&value, pointer, code);
    }
}

#[test]
fn a_wrong_certificate_or_token_endpoint_says_what_and_where_and_no_secret() {
    for (value, pointer, code) in [
        (json!({"mtls": {"cert": "c"}}), "/mtls", "missing-field"),
        (
            json!({"oauth2": {"token_url": "ftp://h/", "client_id": "i", "client_secret": "hunter2"}}),
            "/oauth2/token_url",
            "invalid-url",
        ),
        (
            json!({"oauth2": {"token_url": "https://u:hunter2@h/", "client_id": "i", "client_secret": "s"}}),
            "/oauth2/token_url",
            "invalid-url",
        ),
        (
            json!({"oauth2": {"token_url": "https://h/", "client_id": "i"}}),
            "/oauth2",
            "missing-field",
        ),
        (
            json!({"oauth2": {"token_url": "https://h/", "client_id": "i", "client_secret": "s", "client_auth": "jwt"}}),
            "/oauth2/client_auth",
            "invalid-value",
        ),
        (
            json!({"oauth2": {"token_url": "https://h/", "client_id": "i", "client_secret": "s", "params": {"scope": "a"}}}),
            "/oauth2/params/scope",
            "invalid-value",
        ),
    ] {
        refused(&value, pointer, code);
    }
}

/// Asserts the one thing that is wrong with a connection.
fn refused(value: &Value, pointer: &str, code: &str) {
    let issues = given(value).unwrap_err();
    let found: Vec<_> = issues
        .iter()
        .map(|issue| (issue.pointer.as_str(), issue.code))
        .collect();
    assert_eq!(found, [(pointer, code)], "{value}");
    assert!(!Issue::render_all(&issues).contains("hunter2"), "{value}");
}

#[test]
fn nothing_about_a_connection_shows_its_secrets() {
    let value = json!({"basic": {"username": "ada", "password": "hunter2"}, "query": {"k": "hunter2"}});
    let read = given(&value).unwrap();
    let stored = Connection::stored(&name(), &read.spec).unwrap();
    for text in [
        format!("{read:?}"),
        format!("{stored:?}"),
        read.spec.to_string(),
        read.shown().to_string(),
    ] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert_eq!(
        read.shown()["basic"],
        json!({"username": "ada", "password": {"set": true}})
    );
}

#[test]
fn a_version_that_leaves_a_secret_out_keeps_it() {
    let vault = vault();
    let next = |value: &Value, before: &Connection| Connection::given(&name(), value, Some(before), &vault);
    let first = json!({"basic": {"username": "u", "password": "p"}, "headers": {"a": "1", "b": "2"}});
    let first = Connection::given(&name(), &first, None, &vault).unwrap();
    let second = next(
        &json!({"basic": {"username": "v"}, "headers": {"a": {"set": true}}}),
        &first,
    )
    .unwrap();
    assert_eq!(second.spec["basic"]["password"], first.spec["basic"]["password"]);
    assert_eq!(
        second.spec["headers"],
        json!({"a": first.spec["headers"]["a"]}),
        "a header left out goes"
    );
    assert!(
        next(&json!({"bearer": {}}), &first).is_err(),
        "a secret of another kind is none"
    );
}

#[test]
fn without_a_key_secrets_are_refused_and_references_are_not() {
    let of = |value: &Value| Connection::given(&name(), value, None, &Vault::default());
    let issues = of(&json!({"bearer": {"token": "t"}})).unwrap_err();
    assert_eq!(
        (issues[0].pointer.as_str(), issues[0].code),
        ("/bearer/token", "encryption-key-missing")
    );
    assert!(of(&json!({"bearer": {"token": "${env:TRAMLINE_SECRET_T}"}})).is_ok());
}
