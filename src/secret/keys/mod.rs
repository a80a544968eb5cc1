//! The keys that seal and open.

use std::fmt;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::KeyInit as _;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::XNonce;
use chacha20poly1305::aead::Aead as _;
use chacha20poly1305::aead::Payload;
use sha2::Digest as _;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::sealed::Sealed;
use super::value::Secret;
use super::vault::SecretError;

/// Bytes of a key.
const KEY_LEN: usize = 32;
/// Bytes of a nonce, so many that random ones do not meet.
const NONCE_LEN: usize = 24;
/// Digits of a key's id.
const ID_LEN: usize = 16;

/// Keys that cannot be read. The text is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the encryption key cannot be read: one a line (or with commas between), 32 bytes as base64 or hex, such as \
     `openssl rand -base64 32` prints"
)]
pub struct InvalidKeys;

/// The encryption keys of a server: the first seals, all of them open.
#[derive(Default)]
pub struct Keys {
    keys: Vec<Key>,
}

struct Key {
    id: String,
    cipher: XChaCha20Poly1305,
}

impl Keys {
    /// Reads keys, the current one first, with commas or line ends between them; lines that begin
    /// with `#` say nothing.
    ///
    /// # Errors
    /// [`InvalidKeys`] when there is none, or one is not 32 bytes in base64 or hex.
    pub fn parse(text: &str) -> Result<Self, InvalidKeys> {
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        let parts = lines.flat_map(|line| line.split(',')).map(str::trim);
        let keys = parts.filter(|part| !part.is_empty()).map(Key::parse);
        let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
        if keys.is_empty() {
            Err(InvalidKeys)
        } else {
            Ok(Self { keys })
        }
    }

    /// A new key as it is written.
    #[must_use]
    pub fn generate() -> Secret {
        let bytes = Zeroizing::new(rand::random::<[u8; KEY_LEN]>());
        Secret::new(STANDARD.encode(*bytes))
    }

    /// The id of the key that seals, if there is a key at all.
    #[must_use]
    pub fn current_id(&self) -> Option<&str> {
        self.keys.first().map(|key| key.id.as_str())
    }

    /// Whether a key of this id is there.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.id == id)
    }

    /// Seals with the first key; `None` without one.
    pub(super) fn seal(&self, owner: &str, secret: &Secret) -> Option<String> {
        let key = self.keys.first()?;
        let nonce = rand::random::<[u8; NONCE_LEN]>();
        let payload = Payload {
            msg: secret.expose().as_bytes(),
            aad: owner.as_bytes(),
        };
        // Fails only beyond 256 GiB.
        let sealed = key.cipher.encrypt(&XNonce::from(nonce), payload).ok()?;
        let bytes = [&nonce[..], &sealed].concat();
        Some(format!("v1.{}.{}", key.id, URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Opens with the key that sealed.
    pub(super) fn open(&self, sealed: &Sealed) -> Result<Secret, SecretError> {
        let damaged = || SecretError::Damaged {
            owner: sealed.owner.to_string(),
        };
        let id = Sealed::key_id(&sealed.text).ok_or_else(damaged)?;
        let key = self.keys.iter().find(|key| key.id == id);
        let key = key.ok_or_else(|| SecretError::UnknownKey { id: id.to_owned() })?;
        let (_, encoded) = sealed.text.rsplit_once('.').ok_or_else(damaged)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| damaged())?;
        let (nonce, msg) = bytes.split_first_chunk::<NONCE_LEN>().ok_or_else(damaged)?;
        let payload = Payload {
            msg,
            aad: sealed.owner.as_bytes(),
        };
        let plain = key
            .cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| damaged())?;
        String::from_utf8(plain).map(Secret::new).map_err(|_| damaged())
    }
}

impl Key {
    fn parse(text: &str) -> Result<Self, InvalidKeys> {
        let bytes = Zeroizing::new(decode(text).ok_or(InvalidKeys)?);
        let cipher = XChaCha20Poly1305::new_from_slice(&bytes).map_err(|_| InvalidKeys)?;
        Ok(Self {
            id: id_of(&bytes),
            cipher,
        })
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() == 2 * KEY_LEN {
        let digit = |i: usize| {
            text.get(i..i + 2)
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        };
        return (0..KEY_LEN).map(|i| digit(2 * i)).collect();
    }
    let text = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Names a key without telling anything about it.
fn id_of(key: &[u8]) -> String {
    let digest = Sha256::new()
        .chain_update(b"tramline encryption key\0")
        .chain_update(key)
        .finalize();
    let mut id = String::with_capacity(ID_LEN);
    for byte in digest.iter().take(ID_LEN / 2) {
        // Writing to a String cannot fail.
        write!(id, "{byte:02x}").unwrap_or_default();
    }
    id
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(|key| &key.id))
            .finish()
    }
}

#[cfg(test)]
mod tests;
