//! Keys and secrets in files.

use std::fs;
use std::fs::OpenOptions;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use super::keys::InvalidKeys;
use super::keys::Keys;

/// Larger files are no keys and no secrets.
const MAX_FILE_LEN: u64 = 64 * 1024;
/// For the owner of the process alone.
const PRIVATE: u32 = 0o600;

/// A key file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It cannot be read or written.
    #[error("cannot {action} the encryption key in {path}")]
    Io {
        /// What we were doing: "read" or "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// It holds no keys.
    #[error("the file {path} holds no encryption key")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What keys look like.
        #[source]
        source: InvalidKeys,
    },
}

/// Reads the keys of a file; `None` when there is no such file.
///
/// # Errors
/// [`KeyFileError`] when it is there and cannot be used.
pub fn read_keys(path: &Path) -> Result<Option<Keys>, KeyFileError> {
    let text = match read_small(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            let (action, path) = ("read", path.to_owned());
            return Err(KeyFileError::Io { action, path, source });
        }
    };
    let keys = Keys::parse(&text).map_err(|source| KeyFileError::Invalid {
        path: path.to_owned(),
        source,
    })?;
    Ok(Some(keys))
}

/// Makes a key and writes it to a new file that only its owner can read.
///
/// On return it is on disk: what is sealed with it afterwards can be opened after a power cut.
///
/// # Errors
/// [`KeyFileError`], also when the file is there already.
pub fn create_keys(path: &Path) -> Result<Keys, KeyFileError> {
    let text = Keys::generate();
    write_private(path, text.expose()).map_err(|source| KeyFileError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    })?;
    Keys::parse(text.expose()).map_err(|source| KeyFileError::Invalid {
        path: path.to_owned(),
        source,
    })
}

/// Written beside its place and moved there whole, so that a crash leaves no half of a key.
///
/// The lock of the data directory keeps other servers away.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    if path.try_exists()? {
        return Err(io::Error::from(io::ErrorKind::AlreadyExists));
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE)
        .open(&part)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// The text of a small file.
pub(super) fn read_small(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > MAX_FILE_LEN {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    fs::read_to_string(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_that_was_made_is_read_again_and_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("encryption.key");
        assert!(read_keys(&path).unwrap().is_none());
        let made = create_keys(&path).unwrap();
        let read = read_keys(&path).unwrap().unwrap();
        assert_eq!(made.current_id(), read.current_id());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(
            create_keys(&path).is_err(),
            "a key that is there is never replaced"
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_crash_while_a_key_is_made_leaves_none_and_the_next_start_makes_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("encryption.key");
        fs::write(dir.path().join("encryption.key.part"), "half a k").unwrap();
        assert!(read_keys(&path).unwrap().is_none());
        create_keys(&path).unwrap();
        assert!(read_keys(&path).unwrap().is_some());
    }

    #[test]
    fn a_file_without_a_key_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("k");
        fs::write(&path, "not a key").unwrap();
        let error = read_keys(&path).unwrap_err();
        assert!(
            error.to_string().contains(path.to_str().unwrap()) && !error.to_string().contains("not a key")
        );
    }
}
