//! Functions in AWS Lambda.

use serde_json::Value;
use url::Url;

use super::webhook;
use super::webhook::WebhookMode;
use crate::catalog::credential;
use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::issue::Issue;
use crate::secret::Credential;

pub(in crate::catalog) const KEYS: &[&str] = &[
    "function",
    "qualifier",
    "region",
    "endpoint",
    "invocation",
    "mode",
    "credentials",
];
pub(in crate::catalog) const CREDENTIAL_KEYS: &[&str] =
    &["access_key_id", "secret_access_key", "session_token"];
/// Longest name of a function: what the Invoke API takes.
const MAX_NAME_LEN: usize = 256;

/// A function in AWS Lambda.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lambda {
    /// Its name or ARN.
    pub function: String,
    /// Its version or alias.
    pub qualifier: Option<String>,
    /// The region it is in.
    pub region: String,
    /// The server of the Invoke API.
    pub endpoint: Url,
    /// Whether its end is waited for.
    pub invocation: Invocation,
    /// The event, or its data alone.
    pub mode: WebhookMode,
    /// Who calls.
    pub credentials: AwsCredentials,
}

/// Whether the end of a function is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invocation {
    /// Delivered when the function has ended well.
    Sync,
    /// Delivered when Lambda has the event.
    Async,
}

/// Keys of an AWS identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsCredentials {
    /// Names the identity.
    pub access_key_id: Credential,
    /// Proves it.
    pub secret_access_key: Credential,
    /// Of temporary keys.
    pub session_token: Option<Credential>,
}

const CREDENTIALS: &str = "credentials: { access_key_id: \"${env:TRAMLINE_SECRET_AWS_ID}\", \
                           secret_access_key: \"${env:TRAMLINE_SECRET_AWS_KEY}\" }";

impl Lambda {
    /// Reads a function in Lambda and reports everything wrong with it.
    pub(super) fn decode(value: &Value, pointer: &str, issues: &mut Issues) -> Option<Self> {
        let fields = Fields::of(value, pointer, "`lambda`", issues)?;
        fields.only(KEYS, &[], issues);
        fields.required("function", "function: orders", issues);
        fields.required("region", "region: eu-central-1", issues);
        let function = name(&fields, "function", MAX_NAME_LEN, ":", issues);
        let qualifier = name(&fields, "qualifier", 128, "$", issues);
        let region = name(&fields, "region", 32, "", issues);
        let endpoint = endpoint(&fields, region.as_deref(), issues);
        let invocation = match fields.word("invocation", &["sync", "async"], &[], issues) {
            Some("async") => Invocation::Async,
            _ => Invocation::Sync,
        };
        let mode = match fields.word("mode", &["structured", "data"], &[], issues) {
            Some("data") => WebhookMode::Data,
            _ => WebhookMode::Structured,
        };
        let credentials = fields.required("credentials", CREDENTIALS, issues)?;
        let credentials = AwsCredentials::decode(credentials, &fields.at("credentials"), issues);
        Some(Self {
            function: function?,
            qualifier,
            region: region?,
            endpoint: endpoint?,
            invocation,
            mode,
            credentials: credentials?,
        })
    }
}

impl AwsCredentials {
    fn decode(value: &Value, pointer: &str, issues: &mut Issues) -> Option<Self> {
        let fields = Fields::of(value, pointer, "`credentials`", issues)?;
        fields.only(CREDENTIAL_KEYS, &[], issues);
        let mut read = |key: &str| {
            let value = fields.find(key)?;
            credential::decode(value, &fields.at(key), key, issues)
        };
        let (id, key, token) = (
            read("access_key_id"),
            read("secret_access_key"),
            read("session_token"),
        );
        for key in ["access_key_id", "secret_access_key"] {
            let example = format!("{key}: \"${{env:TRAMLINE_SECRET_…}}\"");
            fields.required(key, &example, issues);
        }
        Some(Self {
            access_key_id: id?,
            secret_access_key: key?,
            session_token: token,
        })
    }
}

/// A name of letters, digits, `-`, `_`, `.` and what is allowed beside them.
fn name(fields: &Fields<'_>, key: &str, max: usize, beside: &str, issues: &mut Issues) -> Option<String> {
    let text = fields.text(key, issues)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c) || beside.contains(c);
    if (1..=max).contains(&text.len()) && text.chars().all(allowed) {
        return Some(text.to_owned());
    }
    let detail = format!("`{key}` has 1 to {max} letters, digits and characters of `-_.{beside}`");
    issues.push(Issue::new(fields.at(key), "invalid-name", detail));
    None
}

/// The endpoint given, or AWS's own in the region.
fn endpoint(fields: &Fields<'_>, region: Option<&str>, issues: &mut Issues) -> Option<Url> {
    if fields.find("endpoint").is_some() {
        return webhook::url(
            fields,
            "endpoint",
            "https://lambda.eu-central-1.amazonaws.com",
            issues,
        );
    }
    Url::parse(&format!("https://lambda.{}.amazonaws.com/", region?)).ok()
}
