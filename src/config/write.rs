//! Small files that scripts wait for.

use std::fs;
use std::io;
use std::path::Path;

/// Writes a file so that a reader sees all of it or nothing.
///
/// # Errors
/// When the file cannot be written or put in its place.
pub fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    fs::write(&part, text)?;
    fs::rename(&part, path)
}
