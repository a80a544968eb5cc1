//! The target kind `webhook`: an HTTP call with the event.

use http::Method;
use serde_json::Value;
use url::Url;

use super::headers;
use super::sign::Sign;
use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::issue::Issue;
use crate::catalog::names::ConnectionName;

/// An HTTP call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where to, as the URL standard writes it again: what is checked is what is called.
    ///
    /// `http` or `https`, with a host, without user, password or fragment. Whether the address may
    /// be called is decided when it is called.
    pub url: Url,
    /// `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: Method,
    /// How the event is put into the request.
    pub mode: WebhookMode,
    /// Headers to add, names in lower case; none of those that belong to the call itself.
    pub headers: Vec<(String, String)>,
    /// What its calls are signed with.
    pub sign: Option<Sign>,
    /// The connection whose credentials the call carries.
    pub connection: Option<ConnectionName>,
    /// Whether it is asked for its consent first.
    pub handshake: Handshake,
}

/// Whether a target is asked for its consent before it is called (`CloudEvents` HTTP webhook 1.0.2, 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshake {
    /// It is not asked.
    Off,
    /// It is asked, and called whatever it says.
    Optional,
    /// It is not called before it has consented.
    Required,
}

/// How an event is put into an HTTP request: the modes of the `CloudEvents` HTTP binding, or the
/// data alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookMode {
    /// The whole event as JSON in the body.
    Structured,
    /// Attributes as `ce-` headers, the data as body; an event without data is structured.
    Binary,
    /// A JSON array of events.
    Batched,
    /// The data as body and nothing of the event beside it.
    Data,
}

pub(in crate::catalog) const KEYS: &[&str] = &[
    "url",
    "method",
    "mode",
    "headers",
    "sign",
    "connection",
    "handshake",
];

/// Longest URL: what servers and proxies are known to take.
const MAX_URL_LEN: usize = 8_000;

impl Webhook {
    /// Reads a webhook and reports everything wrong with it.
    pub(super) fn decode(value: &Value, pointer: &str, issues: &mut Issues) -> Option<Self> {
        let fields = Fields::of(value, pointer, "`webhook`", issues)?;
        fields.only(KEYS, &[], issues);
        Self::decode_fields(&fields, issues)
    }

    /// Reads the fields of a webhook, which may stand beside others.
    pub(super) fn decode_fields(fields: &Fields<'_>, issues: &mut Issues) -> Option<Self> {
        let url = url(fields, "url", "https://crm.example/hooks/orders", issues);
        let method = match fields.word("method", &["POST", "PUT", "PATCH", "DELETE"], &[], issues) {
            Some("PUT") => Method::PUT,
            Some("PATCH") => Method::PATCH,
            Some("DELETE") => Method::DELETE,
            _ => Method::POST,
        };
        let modes = ["structured", "binary", "batched", "data"];
        let mode = match fields.word("mode", &modes, &[], issues) {
            Some("binary") => WebhookMode::Binary,
            Some("batched") => WebhookMode::Batched,
            Some("data") => WebhookMode::Data,
            _ => WebhookMode::Structured,
        };
        let headers = match fields.find("headers") {
            Some(value) => headers::decode(value, &fields.at("headers"), issues)?,
            None => Vec::new(),
        };
        let sign = fields
            .find("sign")
            .and_then(|value| Sign::decode(value, &fields.at("sign"), issues));
        let connection = connection(fields, issues);
        let handshake = match fields.word("handshake", &["off", "optional", "required"], &[], issues) {
            Some("optional") => Handshake::Optional,
            Some("required") => Handshake::Required,
            _ => Handshake::Off,
        };
        Some(Self {
            url: url?,
            method,
            mode,
            headers,
            sign,
            connection,
            handshake,
        })
    }
}

/// The name of a connection; whether there is one of that name is known where all of them are.
pub(super) fn connection(fields: &Fields<'_>, issues: &mut Issues) -> Option<ConnectionName> {
    let name = ConnectionName::parse(fields.text("connection", issues)?);
    if let Err(error) = &name {
        issues.push(Issue::new(
            fields.at("connection"),
            "invalid-name",
            error.to_string(),
        ));
    }
    name.ok()
}

/// The URL of `key`, which must be there.
pub(in crate::catalog) fn url(
    fields: &Fields<'_>,
    key: &str,
    example: &str,
    issues: &mut Issues,
) -> Option<Url> {
    fields.required(key, &format!("{key}: \"{example}\""), issues)?;
    let text = fields.text(key, issues)?;
    match check_url(text) {
        Ok(url) => Some(url),
        Err(reason) => {
            issues.push(
                Issue::new(fields.at(key), "invalid-url", reason)
                    .with_correction(format!("a URL such as `{example}`")),
            );
            None
        }
    }
}

/// Parses a URL and refuses every form that two parsers could read in two ways.
///
/// The reason never repeats the URL, which may hold a password.
fn check_url(text: &str) -> Result<Url, String> {
    if text.len() > MAX_URL_LEN {
        return Err(format!("the URL is longer than {MAX_URL_LEN} bytes"));
    }
    if text
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || c == '\\')
    {
        return Err("the URL holds a space, a control character or a backslash".to_owned());
    }
    let scheme = text.split(':').next().unwrap_or_default().to_ascii_lowercase();
    if !matches!(scheme.as_str(), "http" | "https") {
        return Err("the URL is not http or https".to_owned());
    }
    let host = text.get(scheme.len()..).and_then(|rest| rest.strip_prefix("://"));
    // The URL standard takes `http:host` and `http:///host` too, and other parsers take a path for the host.
    if host.is_none_or(|host| host.is_empty() || host.starts_with(['/', '?', '#'])) {
        return Err("the URL is not of the form `scheme://host`".to_owned());
    }
    let url = Url::parse(text).map_err(|error| format!("the URL cannot be read: {error}"))?;
    let authority = host
        .and_then(|host| host.split(['/', '?', '#']).next())
        .unwrap_or_default();
    if authority.contains('@') {
        return Err("the URL holds a user or a password".to_owned());
    }
    if url.fragment().is_some() {
        return Err("the URL has a fragment, which is never sent".to_owned());
    }
    if url.port() == Some(0) {
        return Err("port 0 cannot be called".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::check_url;

    #[test]
    fn what_is_kept_is_what_the_url_standard_writes_again() {
        for (text, kept) in [
            (
                "https://crm.example/hooks/orders",
                "https://crm.example/hooks/orders",
            ),
            ("HTTP://CRM.example:80", "http://crm.example/"),
            ("http://2130706433/", "http://127.0.0.1/"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
            ("http://0177.0.0.1/", "http://127.0.0.1/"),
            ("http://127.1/", "http://127.0.0.1/"),
            ("http://①②⑦.0.0.1/", "http://127.0.0.1/"),
            ("http://127。0。0。1/", "http://127.0.0.1/"),
            ("http://127.0.0.1./", "http://127.0.0.1/"),
            ("http://0/", "http://0.0.0.0/"),
            ("http://[::ffff:7f00:2]/", "http://[::ffff:7f00:2]/"),
            ("http://ⓛocalhost/", "http://localhost/"),
            ("http://localhost./", "http://localhost./"),
            ("http://h/a/../b?c=@d", "http://h/b?c=@d"),
        ] {
            assert_eq!(check_url(text).unwrap().as_str(), kept, "{text}");
        }
    }

    #[test]
    fn forms_that_mislead_are_refused() {
        for text in [
            "",
            "crm.example/hooks",
            "/hooks",
            "file:///etc/passwd",
            "gopher://h/",
            "ftp://h/",
            "httpx://h/",
            "http:127.0.0.1/",
            "http:/127.0.0.1/",
            "http:///x",
            "http://",
            "http://?x",
            "http://#x",
            "http://user:pw@h/",
            "http://user@h/",
            "http://@h/",
            "http://1.1.1.1&@127.0.0.1/",
            "http://h/#fragment",
            "http://h/#",
            "http://h\\@evil/",
            "http://good.example\\@127.0.0.1",
            "http://2130706433:p/",
            "http://h:0/",
            "http://h:65536/",
            "http://[::1%lo]/",
            "http://::1/",
            "http://[127.0.0.1]/",
            "http://256.1.1.1/",
            "http://4294967296/",
            " http://h/",
            "http://h/\n",
            "ht\ttp://h/",
            "http://h/a b",
        ] {
            assert!(check_url(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_reason_never_repeats_the_password() {
        let reason = check_url("http://user:hunter2@h/").unwrap_err();
        assert!(!reason.contains("hunter2"));
    }
}
