//! User and password within the URL of a broker: the one credential that is a part of a text.
//!
//! It is stored sealed beside the rest of the URL, `{"sealed": "…", "url": "amqp://host/"}`, and shown
//! as `amqp://***@host/`. Given back like this it stays as it is, as long as scheme, host and port do:
//! whoever may write rules must not have a password sent somewhere else.

use serde_json::Value;
use serde_json::json;

use super::stored::HIDDEN;
use super::stored::SEALED;
use super::stored::sealed;
use crate::secret::Credential;
use crate::secret::Sealed;
use crate::secret::Secret;

/// Member of the stored form: the URL without user and password.
const URL: &str = "url";

/// A URL taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::catalog) struct Parts {
    /// What stands before the `@`.
    pub(in crate::catalog) userinfo: String,
    /// The URL without it.
    pub(in crate::catalog) rest: String,
}

/// Takes user and password out of a URL; `None` if it has none.
pub(in crate::catalog) fn split(text: &str) -> Option<Parts> {
    let (scheme, after) = text.split_once("://")?;
    let end = after.find(['/', '?', '#']).unwrap_or(after.len());
    let (authority, tail) = after.split_at(end);
    let (userinfo, host) = authority.rsplit_once('@')?;
    Some(Parts {
        userinfo: userinfo.to_owned(),
        rest: format!("{scheme}://{host}{tail}"),
    })
}

/// The credential that somebody wrote into a URL.
pub(in crate::catalog) fn given(userinfo: &str) -> Credential {
    if userinfo == HIDDEN {
        Credential::Kept
    } else {
        Credential::Plain(Secret::new(userinfo))
    }
}

/// The URL and the credential in their stored form, in a document with owners.
pub(in crate::catalog) fn stored(value: &Value) -> Option<(&str, Credential)> {
    let (text, owner) = sealed(value)?;
    Some((url(value)?, Credential::Sealed(Sealed::new(text, owner))))
}

/// The stored form.
pub(super) fn to_store(sealed: &str, url: &str) -> Value {
    json!({ SEALED: sealed, URL: url })
}

/// The URL in the stored form.
pub(super) fn url(value: &Value) -> Option<&str> {
    value.get(URL)?.as_str()
}

/// What is shown for the stored form.
pub(super) fn shown(url: &str) -> String {
    url.replacen("://", &format!("://{HIDDEN}@"), 1)
}

/// Whether a password that went to one of these URLs may go to the other.
pub(super) fn is_same_place(one: &str, other: &str) -> bool {
    let place = |url: &str| {
        let (scheme, after) = url.split_once("://")?;
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        Some(format!("{scheme}://{}", after.get(..end)?).to_ascii_lowercase())
    };
    place(one).is_some() && place(one) == place(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_at_the_last_at_sign_of_its_authority() {
        let parts = |text| split(text).map(|parts| (parts.userinfo, parts.rest));
        let of = |userinfo: &str, rest: &str| Some((userinfo.to_owned(), rest.to_owned()));
        assert_eq!(parts("amqp://u:p@h:5672/v"), of("u:p", "amqp://h:5672/v"));
        assert_eq!(parts("amqp://u:p@q@h"), of("u:p@q", "amqp://h"));
        assert_eq!(parts("redis://:pw@h/1?x=@"), of(":pw", "redis://h/1?x=@"));
        assert_eq!(parts("nats://h/@"), None);
        assert_eq!(parts("u@h"), None);
    }

    #[test]
    fn what_is_shown_is_the_url_with_stars() {
        assert_eq!(shown("amqp://h:5672/v"), "amqp://***@h:5672/v");
        assert_eq!(
            split(&shown("amqp://h")).map(|parts| given(&parts.userinfo)),
            Some(Credential::Kept)
        );
    }

    #[test]
    fn a_password_stays_with_its_host() {
        assert!(is_same_place("amqp://h:1/a", "amqp://H:1/b"));
        for other in ["amqp://h:2/a", "amqp://i:1/a", "amqps://h:1/a", "h:1"] {
            assert!(!is_same_place("amqp://h:1/a", other), "{other}");
        }
    }
}
