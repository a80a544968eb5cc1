//! Reading a connection.

use std::sync::Arc;

use serde_json::Value;

use super::ApiKeyPlace;
use super::Auth;
use super::Connection;
use super::Mtls;
use super::oauth;
use crate::catalog::credential;
use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::issue::Issue;
use crate::catalog::names::ConnectionName;
use crate::catalog::target::check_header;
use crate::secret::Credential;

const KEYS: &[&str] = &[
    "name",
    "description",
    "basic",
    "bearer",
    "api_key",
    "oauth2",
    "mtls",
    "headers",
    "query",
    "body",
];
/// The ways to prove who makes a call; a connection has one at most.
const KINDS: &[&str] = &["basic", "bearer", "api_key", "oauth2"];

/// Longest name of a parameter.
const MAX_PARAMETER_LEN: usize = 200;

/// Reads what somebody gave.
pub(super) fn decode(name: &ConnectionName, given: &Value) -> Result<Connection, Vec<Issue>> {
    let mut issues = Issues::default();
    credential::refuse_stored_forms(given, &credential::of_connection(given), "", &mut issues);
    let read = connection(name, given, &mut issues);
    issues.or(read)
}

/// Reads what is stored, with its owners.
pub(super) fn decode_stored(name: &ConnectionName, owned: &Value) -> Result<Connection, Vec<Issue>> {
    let mut issues = Issues::default();
    let read = connection(name, owned, &mut issues);
    issues.or(read)
}

fn connection(name: &ConnectionName, value: &Value, issues: &mut Issues) -> Option<Connection> {
    let fields = Fields::of(value, "", "a connection", issues)?;
    fields.only(KEYS, &[], issues);
    if let Some(inside) = fields
        .text("name", issues)
        .filter(|inside| *inside != name.as_str())
    {
        let detail = format!("the connection is called `{inside}` inside and `{name}` outside");
        issues.push(
            Issue::new(fields.at("name"), "name-mismatch", detail)
                .with_correction("leave out `name`, or repeat it"),
        );
    }
    let description = fields.text("description", issues).map(str::to_owned);
    let auth = auth(&fields, issues);
    let mtls = match fields.find("mtls") {
        Some(value) => {
            Fields::of(value, &fields.at("mtls"), "`mtls`", issues).and_then(|fields| mtls(&fields, issues))
        }
        None => None,
    };
    let headers = credential::decode_map(&fields, "headers", check_header, issues);
    let query = credential::decode_map(&fields, "query", check_parameter, issues);
    let body = credential::decode_map(&fields, "body", check_parameter, issues);
    let adds_nothing = headers.is_empty() && query.is_empty() && body.is_empty();
    if auth.is_none() && mtls.is_none() && adds_nothing && issues.count() == 0 {
        let detail = "a connection needs something to add to a call";
        issues.push(
            Issue::new("", "missing-field", detail)
                .with_correction(format!("add one of {}, or `headers`", KINDS.join(", "))),
        );
    }
    Some(Connection {
        name: name.clone(),
        description,
        auth,
        mtls,
        headers,
        query,
        body,
        spec: Arc::default(),
    })
}

/// The one way in which the connection proves who makes a call.
fn auth(fields: &Fields<'_>, issues: &mut Issues) -> Option<Auth> {
    let mut kinds = KINDS.iter().filter(|kind| fields.find(kind).is_some());
    let kind = *kinds.next()?;
    if let Some(other) = kinds.next() {
        let detail = format!("a connection has one way to prove who calls: `{kind}` or `{other}`");
        issues.push(Issue::new(fields.at(other), "invalid-connection", detail));
        return None;
    }
    let at = fields.at(kind);
    let value = fields.find(kind)?;
    match kind {
        "basic" => basic(&Fields::of(value, &at, "`basic`", issues)?, issues),
        "bearer" => bearer(&Fields::of(value, &at, "`bearer`", issues)?, issues),
        "oauth2" => oauth::decode(&Fields::of(value, &at, "`oauth2`", issues)?, issues),
        _ => api_key(&Fields::of(value, &at, "`api_key`", issues)?, issues),
    }
}

fn mtls(fields: &Fields<'_>, issues: &mut Issues) -> Option<Mtls> {
    fields.only(&["cert", "key", "ca"], &[], issues);
    let cert = required(fields, "cert", issues);
    let key = required(fields, "key", issues);
    let ca = match fields.find("ca") {
        Some(value) => Some(credential::decode(value, &fields.at("ca"), "ca", issues)?),
        None => None,
    };
    Some(Mtls {
        cert: cert?,
        key: key?,
        ca,
    })
}

fn basic(fields: &Fields<'_>, issues: &mut Issues) -> Option<Auth> {
    fields.only(&["username", "password"], &[], issues);
    let username = required(fields, "username", issues);
    let password = required(fields, "password", issues);
    let username = username?;
    if let Credential::Plain(user) = &username
        && user.expose().contains(':')
    {
        let detail = "a user name with a colon cannot be told from its password";
        issues.push(Issue::new(fields.at("username"), "invalid-value", detail));
    }
    Some(Auth::Basic {
        username,
        password: password?,
    })
}

fn bearer(fields: &Fields<'_>, issues: &mut Issues) -> Option<Auth> {
    fields.only(&["token"], &[], issues);
    let token = required(fields, "token", issues)?;
    check_text("authorization", &token, &fields.at("token"), issues);
    Some(Auth::Bearer { token })
}

fn api_key(fields: &Fields<'_>, issues: &mut Issues) -> Option<Auth> {
    fields.only(&["header", "query", "value"], &[], issues);
    let value = required(fields, "value", issues);
    let place = match (fields.text("header", issues), fields.text("query", issues)) {
        (Some(header), None) => {
            let text = value.as_ref().map_or("", plain);
            named(check_header(header, text), &fields.at("header"), issues).map(ApiKeyPlace::Header)
        }
        (None, Some(query)) => {
            named(check_parameter(query, ""), &fields.at("query"), issues).map(ApiKeyPlace::Query)
        }
        _ => {
            let (header, query) = (fields.find("header").is_some(), fields.find("query").is_some());
            // One of the wrong type has been reported.
            if header == query {
                let detail = "`api_key` stands in a `header` or in a `query` parameter";
                let pointer = fields.at("").trim_end_matches('/').to_owned();
                issues.push(
                    Issue::new(pointer, "missing-field", detail).with_correction("add `header: x-api-key`"),
                );
            }
            None
        }
    };
    Some(Auth::ApiKey {
        place: place?,
        value: value?,
    })
}

/// A credential that must be there.
pub(super) fn required(fields: &Fields<'_>, key: &'static str, issues: &mut Issues) -> Option<Credential> {
    let example = format!("{key}: \"${{env:TRAMLINE_SECRET_…}}\"");
    let value = fields.required(key, &example, issues)?;
    credential::decode(value, &fields.at(key), key, issues)
}

fn named(checked: Result<String, String>, pointer: &str, issues: &mut Issues) -> Option<String> {
    checked
        .map_err(|reason| issues.push(Issue::new(pointer, "invalid-value", reason)))
        .ok()
}

/// Refuses a literal value that cannot stand in a header. A reference is looked at when it is used.
fn check_text(header: &str, credential: &Credential, pointer: &str, issues: &mut Issues) {
    named(check_header(header, plain(credential)), pointer, issues);
}

fn plain(credential: &Credential) -> &str {
    match credential {
        Credential::Plain(secret) => secret.expose(),
        _ => "",
    }
}

/// The name of a parameter, if it can be one; its value may be anything.
pub(super) fn check_parameter(name: &str, _: &str) -> Result<String, String> {
    if (1..=MAX_PARAMETER_LEN).contains(&name.len()) && !name.contains(char::is_control) {
        Ok(name.to_owned())
    } else {
        Err(format!(
            "the name of a parameter has 1 to {MAX_PARAMETER_LEN} characters"
        ))
    }
}
