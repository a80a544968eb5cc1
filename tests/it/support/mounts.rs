//! File systems of the tests' own, in files: for power cuts and full disks.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// A file with a file system in it.
#[derive(Debug)]
pub(crate) struct Image {
    path: PathBuf,
}

/// A mounted file system; unmounted, its loop device with it, when dropped.
#[derive(Debug)]
pub(crate) struct Mounted {
    point: TempDir,
}

impl Image {
    /// Makes a sparse file of so many MiB and a file system in it, as `mkfs.<kind>` does with these
    /// arguments. The error says what is missing on this machine.
    pub(crate) fn make(path: &Path, mebibytes: u64, kind: &str, args: &[&str]) -> Result<Self, String> {
        let file = File::create(path).map_err(|error| error.to_string())?;
        file.set_len(mebibytes << 20).map_err(|error| error.to_string())?;
        let mkfs = format!("mkfs.{kind}");
        run(Command::new(mkfs).arg("-q").args(args).arg(path))?;
        Ok(Self::found(path))
    }

    /// A file that has a file system in it already.
    pub(crate) fn found(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Mounts it with a loop device. The error says why this machine cannot.
    pub(crate) fn mount(&self) -> Result<Mounted, String> {
        let point = TempDir::new().map_err(|error| error.to_string())?;
        run(Command::new("mount")
            .args(["-o", "loop"])
            .args([self.path.as_path(), point.path()]))?;
        Ok(Mounted { point })
    }
}

impl Mounted {
    /// The root of the file system.
    pub(crate) fn root(&self) -> &Path {
        self.point.path()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let point: &OsStr = self.point.path().as_os_str();
        if run(Command::new("umount").arg(point)).is_err() {
            // Something still holds a file: it goes when that ends.
            run(Command::new("umount").arg("--lazy").arg(point)).unwrap_or_else(|error| eprintln!("{error}"));
        }
    }
}

/// Runs a command to its end; the error is what it said.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    ))
}
