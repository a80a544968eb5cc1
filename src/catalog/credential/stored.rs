//! Documents as they are stored and shown.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::json;

use super::places::Place;
use super::userinfo;
use crate::catalog::decode::Issues;
use crate::catalog::decode::join;
use crate::catalog::decode::wrong_type;
use crate::catalog::issue::Issue;
use crate::secret::Reference;
use crate::secret::Sealed;
use crate::secret::Secret;
use crate::secret::Vault;

/// Member of the stored form of a secret: the sealed text.
pub(super) const SEALED: &str = "sealed";
/// Member beside it while a document is read: whose it is.
const OWNER: &str = "owner";
/// Shown for a secret in a rule.
pub(in crate::catalog) const HIDDEN: &str = "***";

/// Shown for a secret of a connection.
pub(in crate::catalog) fn set() -> Value {
    json!({ "set": true })
}

/// Whether this is what is shown for a secret: given back, it means that the secret stays.
pub(super) fn is_kept(value: &Value) -> bool {
    value.as_str() == Some(HIDDEN) || *value == set()
}

/// The sealed text and the owner in the stored form of a secret, in a document [`with_owners`].
pub(super) fn sealed(value: &Value) -> Option<(&str, &str)> {
    Some((sealed_text(value)?, value.get(OWNER)?.as_str()?))
}

fn sealed_text(value: &Value) -> Option<&str> {
    value.get(SEALED)?.as_str()
}

/// The same document as it is stored now, for what stays.
pub(in crate::catalog) struct Before<'a> {
    /// The stored document.
    pub(in crate::catalog) spec: &'a Value,
    /// Its credential fields.
    pub(in crate::catalog) places: Vec<Place>,
}

impl<'a> Before<'a> {
    fn value(&self, field: &str) -> Option<&'a Value> {
        let place = self.places.iter().find(|place| place.field == field)?;
        self.spec.pointer(&place.pointer)
    }
}

/// The document with every secret sealed for its field, or taken from what is stored.
///
/// A secret that is the stored one keeps its sealed text, so that the same document again is equal.
///
/// # Errors
/// A field that should stay and is not set; any secret if there is no key.
pub(in crate::catalog) fn seal(
    given: &Value,
    places: &[Place],
    owner: &str,
    before: Option<&Before<'_>>,
    vault: &Vault,
) -> Result<Value, Vec<Issue>> {
    let (mut spec, mut issues) = (given.clone(), Vec::new());
    for place in places {
        let Some(value) = spec.pointer_mut(&place.pointer) else {
            continue;
        };
        let stored = before.and_then(|before| before.value(&place.field));
        let sealing = Sealing {
            place,
            owner: owner_of(owner, &place.field),
            stored,
            vault,
        };
        let sealed = if place.is_userinfo {
            sealing.url(value)
        } else {
            sealing.value(value)
        };
        match sealed {
            Ok(Some(sealed)) => *value = sealed,
            Ok(None) => {}
            Err(issue) => issues.push(*issue),
        }
    }
    if issues.is_empty() { Ok(spec) } else { Err(issues) }
}

/// One field that is being sealed.
struct Sealing<'a> {
    place: &'a Place,
    owner: String,
    stored: Option<&'a Value>,
    vault: &'a Vault,
}

impl Sealing<'_> {
    /// What is stored for the field; `None` if it is what was given.
    fn value(&self, given: &Value) -> Result<Option<Value>, Box<Issue>> {
        if is_kept(given) {
            let missing = "the secret cannot stay as it is: it has no value yet";
            return self
                .stored
                .cloned()
                .map(Some)
                .ok_or_else(|| self.not_set(missing));
        }
        let Some(text) = given
            .as_str()
            .filter(|text| !self.place.is_open && !Reference::is_in(text))
        else {
            return Ok(None);
        };
        let sealed = self.seal(text)?;
        Ok(Some(json!({ SEALED: sealed })))
    }

    /// What is stored for a URL; `None` if it is what was given.
    fn url(&self, given: &Value) -> Result<Option<Value>, Box<Issue>> {
        let Some(parts) = given.as_str().and_then(userinfo::split) else {
            return Ok(None);
        };
        if parts.userinfo != HIDDEN {
            let sealed = self.seal(&parts.userinfo)?;
            return Ok(Some(userinfo::to_store(&sealed, &parts.rest)));
        }
        let stored = self
            .stored
            .and_then(|stored| Some((sealed_text(stored)?, userinfo::url(stored)?)));
        match stored {
            Some((sealed, url)) if userinfo::is_same_place(url, &parts.rest) => {
                Ok(Some(userinfo::to_store(sealed, &parts.rest)))
            }
            Some(_) => Err(self.not_set("user and password do not go along to another host")),
            None => Err(self.not_set("user and password cannot stay as they are: there are none yet")),
        }
    }

    /// The sealed text of a secret: the stored one if it is of the same secret.
    fn seal(&self, text: &str) -> Result<String, Box<Issue>> {
        let secret = Secret::new(text);
        let is_same = |text: &&str| self.vault.open(&Sealed::new(text, &self.owner)).as_ref() == Ok(&secret);
        if let Some(text) = self.stored.and_then(sealed_text).filter(is_same) {
            return Ok(text.to_owned());
        }
        self.vault.seal(&self.owner, &secret).map_err(|error| {
            let issue = Issue::new(
                self.place.pointer.clone(),
                "encryption-key-missing",
                error.to_string(),
            );
            Box::new(issue.with_correction("or name the secret, as `${env:TRAMLINE_SECRET_…}`"))
        })
    }

    fn not_set(&self, detail: &str) -> Box<Issue> {
        let issue = Issue::new(self.place.pointer.clone(), "secret-not-set", detail);
        Box::new(issue.with_correction("give its value"))
    }
}

/// The stored document with the owner beside each sealed text, as the decoders want it.
pub(in crate::catalog) fn with_owners<'a>(spec: &'a Value, places: &[Place], owner: &str) -> Cow<'a, Value> {
    let mut read = Cow::Borrowed(spec);
    for place in places {
        if spec.pointer(&place.pointer).and_then(sealed_text).is_none() {
            continue;
        }
        if let Some(Value::Object(members)) = read.to_mut().pointer_mut(&place.pointer) {
            members.insert(OWNER.to_owned(), owner_of(owner, &place.field).into());
        }
    }
    read
}

/// The stored document with `instead` for every secret; references are shown.
pub(in crate::catalog) fn shown(spec: &Value, places: &[Place], instead: &Value) -> Value {
    let mut shown = spec.clone();
    for place in places {
        if let Some(value) = shown
            .pointer_mut(&place.pointer)
            .filter(|value| value.is_object())
        {
            *value = userinfo::url(value).map_or_else(|| instead.clone(), |url| userinfo::shown(url).into());
        }
    }
    shown
}

/// The ids of the keys that the secrets of a stored document are sealed with.
pub(in crate::catalog) fn key_ids<'a>(spec: &'a Value, places: &'a [Place]) -> impl Iterator<Item = &'a str> {
    let texts = places
        .iter()
        .filter_map(|place| sealed_text(spec.pointer(&place.pointer)?));
    texts.filter_map(Sealed::key_id)
}

/// Adds what a given document leaves out of `paths` and has a stored value: it stays.
pub(in crate::catalog) fn complete(given: &mut Value, paths: &[&[&str]], before: &Before<'_>) {
    for path in paths {
        let Some((last, parents)) = path.split_last() else {
            continue;
        };
        let field: String = path.iter().fold(String::new(), |field, step| join(&field, step));
        let pointer: String = parents.iter().fold(String::new(), |at, step| join(&at, step));
        if let Some(Value::Object(members)) = given.pointer_mut(&pointer)
            && !members.contains_key(*last)
            && before.value(field.trim_start_matches('/')).is_some()
        {
            members.insert((*last).to_owned(), set());
        }
    }
}

/// Reports every field of a given document that looks like a stored one: nobody may bring along a
/// sealed text.
pub(in crate::catalog) fn refuse_stored_forms(
    given: &Value,
    places: &[Place],
    pointer: &str,
    issues: &mut Issues,
) {
    for place in places {
        let value = given.pointer(&place.pointer);
        if let Some(value) = value.filter(|value| value.get(SEALED).is_some()) {
            let at = format!("{pointer}{}", place.pointer);
            issues.push(wrong_type(&at, "a credential is a text or a reference", value));
        }
    }
}

/// Whose a secret is: the field of a document.
fn owner_of(document: &str, field: &str) -> String {
    format!("{document}/{field}")
}

#[cfg(test)]
mod tests {
    use super::super::places::of_connection;
    use super::*;
    use crate::secret::Credential;
    use crate::secret::Keys;

    fn vault() -> Vault {
        Vault::new(Keys::parse(Keys::generate().expose()).unwrap(), None)
    }

    fn stored(vault: &Vault, given: &Value) -> Value {
        seal(given, &of_connection(given), "connection/a", None, vault).unwrap()
    }

    fn again(vault: &Vault, given: &Value, stored: &Value) -> Result<Value, Vec<Issue>> {
        let before = Before {
            spec: stored,
            places: of_connection(stored),
        };
        seal(given, &of_connection(given), "connection/a", Some(&before), vault)
    }

    #[test]
    fn a_stored_document_holds_no_secret_and_shows_none() {
        let vault = vault();
        let given = json!({"basic": {"username": "u", "password": "s3cr3t"},
            "headers": {"a/b": "h1dden", "c": "${env:TRAMLINE_SECRET_C}"}});
        let stored = stored(&vault, &given);
        assert!(!stored.to_string().contains("s3cr3t") && !stored.to_string().contains("h1dden"));
        let shown = shown(&stored, &of_connection(&stored), &set());
        assert_eq!(
            shown,
            json!({"basic": {"username": "u", "password": {"set": true}},
                "headers": {"a/b": {"set": true}, "c": "${env:TRAMLINE_SECRET_C}"}})
        );
    }

    #[test]
    fn what_is_shown_can_be_given_back_and_changes_nothing() {
        let vault = vault();
        let given = json!({"basic": {"username": "u", "password": "s3cr3t"}, "query": {"k": "v"}});
        let stored = stored(&vault, &given);
        let shown = shown(&stored, &of_connection(&stored), &set());
        assert_eq!(again(&vault, &shown, &stored), Ok(stored.clone()));
        assert_eq!(
            again(&vault, &given, &stored),
            Ok(stored.clone()),
            "the same values"
        );
        let other = json!({"basic": {"username": "u", "password": "other"}, "query": {"k": "v"}});
        let changed = again(&vault, &other, &stored).unwrap();
        assert_ne!(changed["basic"], stored["basic"]);
        assert_eq!(changed["query"], stored["query"]);
    }

    #[test]
    fn what_is_not_set_cannot_stay() {
        let vault = vault();
        let stored = stored(&vault, &json!({"bearer": {"token": "t"}}));
        let issues = again(&vault, &json!({"basic": {"password": "***"}}), &stored).unwrap_err();
        assert_eq!(
            (issues[0].pointer.as_str(), issues[0].code),
            ("/basic/password", "secret-not-set")
        );
    }

    #[test]
    fn what_is_left_out_stays() {
        let vault = vault();
        let stored = stored(&vault, &json!({"basic": {"username": "u", "password": "s3cr3t"}}));
        let before = Before {
            spec: &stored,
            places: of_connection(&stored),
        };
        let paths: &[&[&str]] = &[&["basic", "password"], &["bearer", "token"]];
        let mut given = json!({"basic": {"username": "new"}});
        complete(&mut given, paths, &before);
        assert_eq!(
            given,
            json!({"basic": {"username": "new", "password": {"set": true}}})
        );
        let mut other = json!({"bearer": {}});
        complete(&mut other, paths, &before);
        assert_eq!(other, json!({"bearer": {}}), "another kind has another secret");
    }

    #[test]
    fn f50_a_secret_copied_to_another_document_does_not_open() {
        let vault = vault();
        let stored = stored(&vault, &json!({"bearer": {"token": "s3cr3t"}}));
        let open = |owner: &str| {
            let read = with_owners(&stored, &of_connection(&stored), owner);
            let (text, owner) = sealed(&read["bearer"]["token"]).unwrap();
            vault.open(&Sealed::new(text, owner))
        };
        assert_eq!(open("connection/a"), Ok(Secret::new("s3cr3t")));
        assert!(open("connection/b").is_err());
    }

    #[test]
    fn nobody_brings_a_sealed_text_along() {
        let given = json!({"bearer": {"token": {"sealed": "v1.a.b", "owner": "connection/b/bearer/token"}}});
        let mut issues = Issues::default();
        refuse_stored_forms(&given, &of_connection(&given), "", &mut issues);
        assert_eq!(issues.count(), 1);
        assert!(Credential::parse("v1.a.b").is_ok(), "as a text it is only a text");
    }
}
