//! Small files that settings name.

use std::fs;
use std::io;
use std::path::Path;

/// Bundles of certificate authorities are a few hundred KiB.
const MAX_LEN: u64 = 4 << 20;

/// The text of a file that a setting names.
///
/// # Errors
/// When it cannot be read, is no text, or is larger than 4 MiB.
pub fn read_small(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > MAX_LEN {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    fs::read_to_string(path)
}
