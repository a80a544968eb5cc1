//! Seals what is stored, and finds the secret behind a credential.

use std::path::PathBuf;

use super::credential::Credential;
use super::files;
use super::keys::Keys;
use super::reference::Reference;
use super::sealed::Sealed;
use super::value::Secret;

/// Why the secret behind a credential cannot be had now. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// Set the variable or make the file.
    #[error("there is nothing behind {0}")]
    Missing(Reference),
    /// Make the file readable for the server, and its content text.
    #[error("{0} cannot be read")]
    Unreadable(Reference),
    /// Say where the files are.
    #[error("{0} needs --secrets-dir")]
    NoSecretsDir(Reference),
    /// Give the key that sealed it.
    #[error("the encryption key {id} is not given")]
    UnknownKey {
        /// Which key it is.
        id: String,
    },
    /// The stored text was changed, or is another field's: write the secret again.
    #[error("the stored secret `{owner}` is damaged")]
    Damaged {
        /// Whose it is.
        owner: String,
    },
    /// It was never given a value.
    #[error("the secret has no value")]
    NoValue,
}

/// There is no key to seal with: give one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret cannot be stored without an encryption key; start the server with --encryption-key-file")]
pub struct NoKey;

/// The keys of the server, and the places that references lead to.
#[derive(Debug, Default)]
pub struct Vault {
    keys: Keys,
    dir: Option<PathBuf>,
}

impl Vault {
    /// A vault with these keys; `dir` is where the files of references are.
    #[must_use]
    pub const fn new(keys: Keys, dir: Option<PathBuf>) -> Self {
        Self { keys, dir }
    }

    /// The keys.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The stored form of a secret that belongs to `owner`.
    ///
    /// # Errors
    /// [`NoKey`] when the server has none.
    pub fn seal(&self, owner: &str, secret: &Secret) -> Result<String, NoKey> {
        self.keys.seal(owner, secret).ok_or(NoKey)
    }

    /// The secret in a stored form.
    ///
    /// # Errors
    /// [`SecretError::UnknownKey`] and [`SecretError::Damaged`].
    pub fn open(&self, sealed: &Sealed) -> Result<Secret, SecretError> {
        self.keys.open(sealed)
    }

    /// The secret behind a credential, as it is at this moment.
    ///
    /// Cancel-safe. Files are read anew each time, so a secret that was replaced there is used by
    /// the next call.
    ///
    /// # Errors
    /// [`SecretError`] says what is missing, and never a value.
    pub async fn resolve(&self, credential: &Credential) -> Result<Secret, SecretError> {
        match credential {
            Credential::Plain(secret) => Ok(secret.clone()),
            Credential::Sealed(sealed) => self.open(sealed),
            Credential::Reference(reference) => self.find(reference).await,
            Credential::Kept => Err(SecretError::NoValue),
        }
    }

    async fn find(&self, reference: &Reference) -> Result<Secret, SecretError> {
        let text = match reference {
            Reference::Env(name) => std::env::var(name).unwrap_or_default(),
            Reference::File(name) => {
                let dir = self.dir.as_ref();
                let path = dir
                    .ok_or_else(|| SecretError::NoSecretsDir(reference.clone()))?
                    .join(name);
                let read = tokio::task::spawn_blocking(move || files::read_small(&path)).await;
                let read = read.map_err(|_| SecretError::Unreadable(reference.clone()))?;
                let text = read.map_err(|error| match error.kind() {
                    std::io::ErrorKind::NotFound => SecretError::Missing(reference.clone()),
                    _ => SecretError::Unreadable(reference.clone()),
                })?;
                // Editors and `echo` end files with a line end that nobody means.
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
        };
        if text.is_empty() {
            return Err(SecretError::Missing(reference.clone()));
        }
        Ok(Secret::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> Credential {
        Credential::parse(&format!("${{file:{name}}}")).unwrap()
    }

    #[tokio::test]
    async fn a_file_reference_gives_what_the_file_says_now() {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::new(Keys::default(), Some(dir.path().to_owned()));
        let missing = vault.resolve(&file("token")).await.unwrap_err();
        assert_eq!(missing.to_string(), "there is nothing behind ${file:token}");
        for value in ["one", "two"] {
            std::fs::write(dir.path().join("token"), format!("{value}\n")).unwrap();
            assert_eq!(vault.resolve(&file("token")).await, Ok(Secret::new(value)));
        }
        std::fs::write(dir.path().join("token"), vec![b'x'; 70_000]).unwrap();
        let large = vault.resolve(&file("token")).await.unwrap_err();
        assert!(matches!(large, SecretError::Unreadable(_)));
    }

    #[tokio::test]
    async fn a_file_reference_needs_a_directory_and_a_variable_a_value() {
        let vault = Vault::default();
        let error = vault.resolve(&file("token")).await.unwrap_err();
        assert!(matches!(error, SecretError::NoSecretsDir(_)));
        let unset = Credential::parse("${env:TRAMLINE_SECRET_NOT_SET}").unwrap();
        let error = vault.resolve(&unset).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is nothing behind ${env:TRAMLINE_SECRET_NOT_SET}"
        );
    }

    #[test]
    fn without_a_key_nothing_is_sealed() {
        assert_eq!(Vault::default().seal("o", &Secret::new("v")), Err(NoKey));
    }
}
