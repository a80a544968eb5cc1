//! The files of the suite.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A schema with instances, and whether each is valid.
#[derive(Debug, Deserialize)]
pub(super) struct Group {
    /// The file that it is in.
    #[serde(skip)]
    pub(super) file: String,
    pub(super) description: String,
    pub(super) schema: Value,
    pub(super) tests: Vec<Case>,
}

/// An instance.
#[derive(Debug, Deserialize)]
pub(super) struct Case {
    pub(super) description: String,
    /// As it stands in the file: no number is read and written again.
    pub(super) data: Box<RawValue>,
    pub(super) valid: bool,
}

/// The groups that every implementation of a draft must agree with.
pub(super) fn required(folder: &str) -> Vec<Group> {
    groups_in(&tests().join(folder))
}

/// The groups about what an implementation may do or not.
pub(super) fn optional(folder: &str) -> Vec<Group> {
    let optional = tests().join(folder).join("optional");
    let formats = groups_in(&optional.join("format"));
    groups_in(&optional).into_iter().chain(formats).collect()
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/json-schema-suite/tests")
}

/// The groups in the files of a folder, not of those below it.
fn groups_in(folder: &Path) -> Vec<Group> {
    let entries = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}: run scripts/peers", folder.display()));
    let files = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = files.filter(|path| path.is_file()).collect();
    files.sort();
    files.iter().flat_map(|path| groups_of(path)).collect()
}

fn groups_of(path: &Path) -> Vec<Group> {
    let text = fs::read_to_string(path).expect("text");
    let mut groups: Vec<Group> =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let name = path.file_name().expect("a name").to_string_lossy();
    for group in &mut groups {
        group.file.push_str(&name);
    }
    groups
}
