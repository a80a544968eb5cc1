//! The encryption keys: given, or made on the first start of an embedded catalog.

use crate::catalog::View;
use crate::config::Settings;
use crate::secret::InvalidKeys;
use crate::secret::KeyFileError;
use crate::secret::Keys;
use crate::secret::Vault;
use crate::secret::create_keys;
use crate::secret::read_keys;

/// The key file of an embedded catalog, in the data directory.
const KEY_FILE: &str = "encryption.key";

/// Stored secrets that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The setting holds no keys.
    #[error("TRAMLINE_ENCRYPTION_KEY cannot be used")]
    Setting(#[source] InvalidKeys),
    /// The key file cannot be used.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The file that was named is not there.
    #[error("there is no key file {0}")]
    NoFile(String),
    /// Secrets are stored that none of the keys opens. Another key would not help, so none is made.
    #[error(
        "stored secrets are sealed with the encryption key {}, which is not given; give it in {given}, behind the \
         current key if there is one", missing.join(" and ")
    )]
    Missing {
        /// The ids of the keys.
        missing: Vec<String>,
        /// Where keys are given.
        given: String,
    },
}

/// The vault of the server, whose keys open every secret that the catalog has in force.
///
/// Without settings, an embedded catalog has a key of its own beside it, which is made when nothing
/// was sealed yet.
pub(super) fn open(settings: &Settings, view: &View) -> Result<Vault, VaultError> {
    let in_use = view.key_ids();
    let beside = settings.data_dir.join(KEY_FILE);
    let (keys, given) = if let Some(text) = &settings.encryption_key {
        let keys = Keys::parse(text.expose()).map_err(VaultError::Setting)?;
        (keys, "TRAMLINE_ENCRYPTION_KEY".to_owned())
    } else if let Some(path) = &settings.encryption_key_file {
        let keys = read_keys(path)?.ok_or_else(|| VaultError::NoFile(path.display().to_string()))?;
        (keys, path.display().to_string())
    } else if settings.database_url.is_some() {
        // The catalog is elsewhere and may serve several servers, so a key made here would be wrong.
        (
            Keys::default(),
            "TRAMLINE_ENCRYPTION_KEY or --encryption-key-file".to_owned(),
        )
    } else {
        let keys = match read_keys(&beside)? {
            Some(keys) => keys,
            None if in_use.is_empty() => create_keys(&beside)?,
            None => Keys::default(),
        };
        (keys, beside.display().to_string())
    };
    let missing: Vec<_> = in_use.into_iter().filter(|id| !keys.has(id)).collect();
    if !missing.is_empty() {
        return Err(VaultError::Missing { missing, given });
    }
    Ok(Vault::new(keys, settings.secrets_dir.clone()))
}
