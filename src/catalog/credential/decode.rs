//! Reading credential fields.

use serde_json::Value;

use super::stored;
use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::decode::join;
use crate::catalog::decode::wrong_type;
use crate::catalog::issue::Issue;
use crate::secret::Credential;
use crate::secret::Sealed;

/// Longest value: certificates with their chain are far smaller.
const MAX_LEN: usize = 64 * 1024;
/// Most members of a map of credentials: common servers stop at 100 headers in all.
const MAX_MEMBERS: usize = 50;

/// Reads the value of a credential field: a text, a reference, or that what is set stays.
pub(in crate::catalog) fn decode(
    value: &Value,
    pointer: &str,
    key: &str,
    issues: &mut Issues,
) -> Option<Credential> {
    if stored::is_kept(value) {
        return Some(Credential::Kept);
    }
    if let Some((text, owner)) = stored::sealed(value) {
        return Some(Credential::Sealed(Sealed::new(text, owner)));
    }
    // Not `decode::text`, which shows a number that should have been quoted.
    let Value::String(text) = value else {
        let wanted = format!("`{key}` is a text or a reference such as `${{env:TRAMLINE_SECRET_…}}`");
        issues.push(wrong_type(pointer, &wanted, value));
        return None;
    };
    if text.is_empty() || text.len() > MAX_LEN {
        let detail = format!("`{key}` has 1 to {MAX_LEN} bytes, not {}", text.len());
        issues.push(Issue::new(pointer, "invalid-value", detail));
        return None;
    }
    match Credential::parse(text) {
        Ok(credential) => Some(credential),
        Err(error) => {
            issues.push(Issue::new(
                pointer,
                "secret-reference-not-allowed",
                error.to_string(),
            ));
            None
        }
    }
}

/// Reads an object of credentials, with their names as `name_of` gives them.
pub(in crate::catalog) fn decode_map(
    fields: &Fields<'_>,
    key: &'static str,
    check: impl Fn(&str, &str) -> Result<String, String>,
    issues: &mut Issues,
) -> Vec<(String, Credential)> {
    let Some(value) = fields.find(key) else {
        return Vec::new();
    };
    let at = fields.at(key);
    let Value::Object(members) = value else {
        issues.push(wrong_type(&at, &format!("`{key}` is an object"), value));
        return Vec::new();
    };
    if members.len() > MAX_MEMBERS {
        let detail = format!("`{key}` has at most {MAX_MEMBERS} members");
        issues.push(Issue::new(at.clone(), "invalid-value", detail));
    }
    let mut found: Vec<(String, Credential)> = Vec::new();
    for (member, value) in members {
        let at = join(&at, member);
        let Some(credential) = decode(value, &at, member, issues) else {
            continue;
        };
        let text = match &credential {
            Credential::Plain(secret) => secret.expose(),
            _ => "",
        };
        match check(member, text) {
            Ok(name) if found.iter().any(|(other, _)| *other == name) => {
                let detail = format!("`{name}` is there twice, in different case");
                issues.push(Issue::new(at, "invalid-value", detail));
            }
            Ok(name) => found.push((name, credential)),
            Err(reason) => issues.push(Issue::new(at, "invalid-value", reason)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<Credential, Vec<Issue>> {
        let mut issues = Issues::default();
        let credential = decode(value, "/token", "token", &mut issues);
        issues.or(credential)
    }

    #[test]
    fn a_credential_is_a_text_a_reference_or_stays() {
        assert!(matches!(read(&json!("s3cr3t")), Ok(Credential::Plain(_))));
        let reference = read(&json!("${env:TRAMLINE_SECRET_A}"));
        assert!(matches!(reference, Ok(Credential::Reference(_))));
        for kept in [json!("***"), json!({"set": true})] {
            assert_eq!(read(&kept), Ok(Credential::Kept));
        }
    }

    #[test]
    fn a_refusal_never_repeats_the_value() {
        for (value, code) in [
            (json!(123_456), "invalid-type"),
            (json!(["s3cr3t"]), "invalid-type"),
            (json!({"set": false}), "invalid-type"),
            (json!(""), "invalid-value"),
            (json!("x".repeat(70_000)), "invalid-value"),
            (
                json!("Bearer ${env:TRAMLINE_SECRET_A}"),
                "secret-reference-not-allowed",
            ),
            (json!("${env:HOME}"), "secret-reference-not-allowed"),
        ] {
            let issues = read(&value).unwrap_err();
            assert_eq!(issues[0].code, code, "{value}");
            let said = issues[0].render();
            assert!(
                !said.contains("123456") && !said.contains("s3cr3t") && said.len() < 400,
                "{said}"
            );
        }
    }
}
