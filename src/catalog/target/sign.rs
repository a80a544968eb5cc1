//! `sign`: the keys that the calls of a target are signed with (Standard Webhooks).

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::general_purpose::GeneralPurposeConfig;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::catalog::credential;
use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::issue::Issue;
use crate::secret::Credential;

pub(in crate::catalog) const KEYS: &[&str] = &["secret", "secrets", "ed25519"];

/// Most secrets at once: the new one, and old ones that receivers may still have.
const MAX_SECRETS: usize = 5;
/// Bytes of a secret.
const SECRET_LEN: std::ops::RangeInclusive<usize> = 24..=64;
/// Bytes of the seed of a private key.
const SEED_LEN: usize = 32;
/// Base64 as people write keys, with its padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// With what the calls of a target are signed, in the order in which the signatures are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// Secrets that the receiver has too: HMAC-SHA256.
    Secrets(Vec<Credential>),
    /// A private key whose public key the receiver has.
    Ed25519(Credential),
}

/// A key that signs.
#[derive(Clone)]
pub enum SigningKey {
    /// For HMAC-SHA256.
    Hmac(Zeroizing<Vec<u8>>),
    /// The seed of an Ed25519 key.
    Ed25519(Zeroizing<Vec<u8>>),
}

/// A text that is no key. Never says what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSigningKey {
    /// Of a secret.
    #[error("a signing secret is `whsec_` and the base64 of 24 to 64 random bytes")]
    Secret,
    /// Of a private key.
    #[error(
        "an Ed25519 signing key is `whsk_` and the base64 of its 32-byte seed, or of seed and public key"
    )]
    Private,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl SigningKey {
    /// The key in `whsec_…`; the prefix may be left out.
    ///
    /// # Errors
    /// [`InvalidSigningKey::Secret`].
    pub fn symmetric(text: &str) -> Result<Self, InvalidSigningKey> {
        let encoded = text.strip_prefix("whsec_").unwrap_or(text);
        let bytes = LENIENT.decode(encoded).map(Zeroizing::new);
        let fits = |bytes: &Zeroizing<Vec<u8>>| SECRET_LEN.contains(&bytes.len());
        let bytes = bytes.ok().filter(fits);
        bytes.map(Self::Hmac).ok_or(InvalidSigningKey::Secret)
    }

    /// The key in `whsk_…`.
    ///
    /// # Errors
    /// [`InvalidSigningKey::Private`].
    pub fn private(text: &str) -> Result<Self, InvalidSigningKey> {
        let encoded = text.strip_prefix("whsk_").ok_or(InvalidSigningKey::Private)?;
        let bytes = LENIENT.decode(encoded).map(Zeroizing::new);
        let mut bytes = bytes.map_err(|_| InvalidSigningKey::Private)?;
        if ![SEED_LEN, 2 * SEED_LEN].contains(&bytes.len()) {
            return Err(InvalidSigningKey::Private);
        }
        // The public key behind the seed follows from it.
        bytes.truncate(SEED_LEN);
        Ok(Self::Ed25519(bytes))
    }
}

impl Sign {
    /// Reads `sign` and reports everything wrong with it.
    pub(super) fn decode(value: &Value, pointer: &str, issues: &mut Issues) -> Option<Self> {
        let fields = Fields::of(value, pointer, "`sign`", issues)?;
        fields.only(KEYS, &[], issues);
        let given: Vec<_> = KEYS
            .iter()
            .filter_map(|key| fields.find(key).map(|value| (*key, value)))
            .collect();
        match given[..] {
            [("secret", value)] => {
                let at = fields.at("secret");
                secret(value, &at, issues).map(|secret| Self::Secrets(vec![secret]))
            }
            [("secrets", _)] => secrets(&fields, issues).map(Self::Secrets),
            [(key, value)] => {
                let (at, check) = (fields.at(key), |text: &str| SigningKey::private(text).map(drop));
                checked(value, &at, key, check, issues).map(Self::Ed25519)
            }
            _ => {
                let detail = "`sign` has one of `secret`, `secrets` and `ed25519`";
                issues.push(
                    Issue::new(pointer, "invalid-value", detail)
                        .with_correction("such as `sign: { secret: \"${env:TRAMLINE_SECRET_HOOK}\" }`"),
                );
                None
            }
        }
    }
}

fn secrets(fields: &Fields<'_>, issues: &mut Issues) -> Option<Vec<Credential>> {
    let before = issues.count();
    let items = fields.list("secrets", issues);
    if issues.count() == before && !(1..=MAX_SECRETS).contains(&items.len()) {
        let detail = format!(
            "`secrets` has 1 to {MAX_SECRETS} secrets, the newest first, not {}",
            items.len()
        );
        issues.push(Issue::new(fields.at("secrets"), "invalid-value", detail));
    }
    let found = items.iter().map(|(at, value)| secret(value, at, issues));
    let found: Vec<_> = found.collect();
    found
        .into_iter()
        .collect::<Option<Vec<_>>>()
        .filter(|all| !all.is_empty())
}

fn secret(value: &Value, at: &str, issues: &mut Issues) -> Option<Credential> {
    checked(
        value,
        at,
        "secret",
        |text| SigningKey::symmetric(text).map(drop),
        issues,
    )
}

/// A credential; one that is given as it is must be a key.
fn checked(
    value: &Value,
    at: &str,
    key: &str,
    check: impl Fn(&str) -> Result<(), InvalidSigningKey>,
    issues: &mut Issues,
) -> Option<Credential> {
    let credential = credential::decode(value, at, key, issues)?;
    if let Credential::Plain(secret) = &credential
        && let Err(error) = check(secret.expose())
    {
        issues.push(Issue::new(at, "invalid-signing-key", error.to_string()));
        return None;
    }
    Some(credential)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn read(value: &Value) -> Result<Sign, Vec<Issue>> {
        let mut issues = Issues::default();
        let sign = Sign::decode(value, "/sign", &mut issues);
        issues.or(sign)
    }

    #[test]
    fn a_target_signs_with_secrets_or_with_one_private_key() {
        let private = format!("whsk_{}", STANDARD.encode([1; 32]));
        for (value, count) in [
            (json!({"secret": SECRET}), 1),
            (json!({"secrets": [SECRET, "${env:TRAMLINE_SECRET_OLD}"]}), 2),
        ] {
            let Ok(Sign::Secrets(secrets)) = read(&value) else {
                panic!("{value}")
            };
            assert_eq!(secrets.len(), count);
        }
        assert!(matches!(read(&json!({"ed25519": private})), Ok(Sign::Ed25519(_))));
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_repeated() {
        let short = format!("whsec_{}", STANDARD.encode([1; 23]));
        let long = format!("whsec_{}", STANDARD.encode([1; 65]));
        for (value, pointer, code) in [
            (json!({"secret": short}), "/sign/secret", "invalid-signing-key"),
            (json!({"secret": long}), "/sign/secret", "invalid-signing-key"),
            (
                json!({"secrets": [SECRET, "hunter2"]}),
                "/sign/secrets/1",
                "invalid-signing-key",
            ),
            (json!({"secrets": []}), "/sign/secrets", "invalid-value"),
            (json!({"ed25519": SECRET}), "/sign/ed25519", "invalid-signing-key"),
            (
                json!({"secret": SECRET, "secrets": [SECRET]}),
                "/sign",
                "invalid-value",
            ),
            (json!({}), "/sign", "invalid-value"),
            (json!({"secrte": SECRET}), "/sign/secrte", "unknown-key"),
            (json!("x"), "/sign", "invalid-type"),
        ] {
            let issues = read(&value).unwrap_err();
            assert_eq!(
                (issues[0].pointer.as_str(), issues[0].code),
                (pointer, code),
                "{value}"
            );
            let said = issues.iter().map(Issue::render).collect::<String>();
            assert!(!said.contains("hunter2") && !said.contains(&short[6..]), "{said}");
        }
    }

    #[test]
    fn a_private_key_may_have_its_public_key_behind_it() {
        let seed = [5; 32];
        let alone = SigningKey::private(&format!("whsk_{}", STANDARD.encode(seed)));
        let both = SigningKey::private(&format!("whsk_{}", STANDARD.encode([seed, [6; 32]].concat())));
        let seed_of = |key: Result<SigningKey, InvalidSigningKey>| match key {
            Ok(SigningKey::Ed25519(seed)) => seed.to_vec(),
            _ => panic!(),
        };
        assert_eq!(seed_of(alone), seed_of(both));
    }
}
