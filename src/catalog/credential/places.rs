//! Which members of a document are credentials.

use serde_json::Value;

use crate::catalog::decode::join;

/// A credential field that a document has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::catalog) struct Place {
    /// JSON pointer to its value.
    pub(in crate::catalog) pointer: String,
    /// Its name in the document: the same wherever its target stands in the list of targets.
    pub(in crate::catalog) field: String,
    /// Whether its value may be stored and shown in the clear.
    pub(in crate::catalog) is_open: bool,
    /// Whether it is a URL of which only user and password are secret.
    pub(in crate::catalog) is_userinfo: bool,
}

/// Paths from a target to its credentials; `*` is every element or member.
const OF_TARGET: &[&[&str]] = &[
    &["webhook", "sign", "secret"],
    &["webhook", "sign", "secrets", "*"],
    &["webhook", "sign", "ed25519"],
    &["function", "http", "sign", "secret"],
    &["function", "http", "sign", "secrets", "*"],
    &["function", "http", "sign", "ed25519"],
    &["function", "lambda", "credentials", "access_key_id"],
    &["function", "lambda", "credentials", "secret_access_key"],
    &["function", "lambda", "credentials", "session_token"],
];

/// Paths from a target to URLs that may hold user and password.
const URLS_OF_TARGET: &[&[&str]] = &[
    &["queue", "amqp", "url"],
    &["queue", "nats", "url"],
    &["queue", "redis", "url"],
    &["queue", "mqtt", "url"],
    &["queue", "postgres", "url"],
];

/// Paths from a connection to its credentials.
const OF_CONNECTION: &[&[&str]] = &[
    &["basic", "password"],
    &["bearer", "token"],
    &["api_key", "value"],
    &["oauth2", "client_secret"],
    &["oauth2", "params", "*"],
    &["mtls", "key"],
    &["headers", "*"],
    &["query", "*"],
    &["body", "*"],
];

/// Paths from a connection to what may be a reference and is no secret.
const OPEN_OF_CONNECTION: &[&[&str]] = &[
    &["basic", "username"],
    &["oauth2", "client_id"],
    &["mtls", "cert"],
    &["mtls", "ca"],
];

/// The credential fields of a rule.
pub(in crate::catalog) fn of_rule(spec: &Value) -> Vec<Place> {
    let mut places = Vec::new();
    let targets = spec.get("targets").and_then(Value::as_array);
    for (index, target) in targets.into_iter().flatten().enumerate() {
        let name = target.get("name").and_then(Value::as_str).unwrap_or_default();
        let at = format!("/targets/{index}");
        for path in OF_TARGET {
            find(target, path, (&at, name), Kind::Secret, &mut places);
        }
        for path in URLS_OF_TARGET {
            find(target, path, (&at, name), Kind::Url, &mut places);
        }
    }
    places
}

/// The credential fields of a connection.
pub(in crate::catalog) fn of_connection(spec: &Value) -> Vec<Place> {
    let mut places = Vec::new();
    for (paths, kind) in [(OF_CONNECTION, Kind::Secret), (OPEN_OF_CONNECTION, Kind::Open)] {
        for path in paths {
            find(spec, path, ("", ""), kind, &mut places);
        }
    }
    places
}

/// What is secret of a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// All of it.
    Secret,
    /// Nothing.
    Open,
    /// User and password.
    Url,
}

fn find(value: &Value, path: &[&str], (at, field): (&str, &str), kind: Kind, places: &mut Vec<Place>) {
    let Some((step, rest)) = path.split_first() else {
        places.push(Place {
            pointer: at.to_owned(),
            field: field.trim_start_matches('/').to_owned(),
            is_open: kind == Kind::Open,
            is_userinfo: kind == Kind::Url,
        });
        return;
    };
    let mut go = |key: &str, value: &Value| {
        find(value, rest, (&join(at, key), &join(field, key)), kind, places);
    };
    match value {
        Value::Object(members) if *step == "*" => members.iter().for_each(|(key, value)| go(key, value)),
        Value::Array(items) if *step == "*" => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, value)| go(&index.to_string(), value));
        }
        Value::Object(members) => {
            if let Some(value) = members.get(*step) {
                go(step, value);
            }
        }
        _ => {}
    }
}
