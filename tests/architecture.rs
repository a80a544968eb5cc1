//! The dependency rules of `docs/ARCHITECTURE.md`, checked.
#![expect(
    clippy::expect_used,
    reason = "an unreadable source tree should fail the test"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Layer 0: each could be lifted into a crate of its own.
const PURE: &[&str] = &[
    "event",
    "log",
    "pattern",
    "cesql",
    "filter",
    "transform",
    "clock",
    "config",
    "problem",
    "schema",
    "secret",
];

/// What a module of layer 0 may name all the same: the languages of rules meet in the rule set.
const MAY_IMPORT_PURE: &[(&str, &[&str])] = &[("cesql", &["pattern"]), ("filter", &["pattern", "cesql"])];

/// What each top-level module may name beside layer 0. `app`, `cli` and `main` are the root.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("catalog", &[]),
    ("api", &[]),
    ("routing", &["catalog", "api"]),
    ("ingest", &["catalog", "api", "routing"]),
    ("traffic", &["catalog", "api", "routing"]),
    ("egress", &[]),
    // `brokers` are the real servers of its tests.
    ("target", &["catalog", "api", "egress", "brokers", "authority"]),
    ("delivery", &["catalog", "api", "target"]),
    (
        "store",
        &[
            "catalog", "api", "routing", "ingest", "delivery", "target", "egress",
        ],
    ),
    (
        "http",
        &[
            "catalog", "api", "routing", "ingest", "delivery", "target", "egress", "traffic",
        ],
    ),
];

/// Where a word of the source may stand, and why only there.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("axum::", &["src/http/"]),
    ("sqlx::", &["src/store/"]),
    ("tokio_postgres", &["src/target/queue/postgres/"]),
    (
        "std::fs",
        &[
            "src/log/",
            "src/config/",
            "src/secret/files.rs",
            "src/app/rules_watcher.rs",
            "src/cli/",
        ],
    ),
    ("SystemTime::now", &["src/clock.rs"]),
    ("Utc::now", &["src/clock.rs"]),
];

#[test]
fn modules_import_only_what_the_layering_allows() {
    let mut broken = Vec::new();
    let pure = PURE.iter().map(|module| {
        let exception = MAY_IMPORT_PURE.iter().find(|(name, _)| name == module);
        (
            *module,
            exception.map_or(&[] as &[&str], |(_, allowed)| *allowed),
            false,
        )
    });
    let layered = MAY_IMPORT
        .iter()
        .map(|(module, allowed)| (*module, *allowed, true));
    for (module, allowed, may_use_pure) in pure.chain(layered) {
        let files = sources(module);
        assert!(!files.is_empty(), "{module} is in the table but not in src/");
        for file in files {
            for used in crate_paths(&read(&file)) {
                let is_allowed = used == module
                    || allowed.contains(&used.as_str())
                    || (may_use_pure && PURE.contains(&used.as_str()));
                if !is_allowed {
                    broken.push(format!("{file} imports crate::{used}"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "layering:\n{}", broken.join("\n"));
}

#[test]
fn every_module_has_its_place_in_the_table() {
    let root = ["app", "cli", "main", "lib"];
    for path in children("src") {
        let name = Path::new(&path)
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let is_known = PURE.contains(&name.as_str())
            || root.contains(&name.as_str())
            || MAY_IMPORT.iter().any(|(module, _)| *module == name);
        assert!(is_known, "{path} is not in the table of layers");
    }
}

#[test]
fn the_client_verbs_speak_only_the_api() {
    let clients = [
        "publish", "tail", "event", "dlq", "routes", "client", "schemas", "sources", "infer", "impact",
    ];
    for verb in clients {
        let used = crate_paths(&read(&format!("src/cli/{verb}.rs")));
        let foreign: Vec<_> = used
            .iter()
            .filter(|name| *name != "api" && *name != "problem")
            .collect();
        assert!(foreign.is_empty(), "src/cli/{verb}.rs imports {foreign:?}");
    }
}

#[test]
fn each_concern_stays_in_its_place() {
    let mut broken = Vec::new();
    for file in children("src").into_iter().flat_map(|path| files_below(&path)) {
        for (word, places) in ONLY_IN {
            let is_home = places.iter().any(|place| file.starts_with(place));
            let is_test = file.contains("/tests");
            if !is_home && !is_test && code(&read(&file)).any(|line| line.contains(word)) {
                broken.push(format!("{file} says {word}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn crate_paths(text: &str) -> BTreeSet<String> {
    code(text)
        .flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| {
            rest.chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect()
        })
        .filter(|name: &String| !name.is_empty())
        .collect()
}

/// The lines that are no comments, without inline tests, which may use what they like.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let shipped = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    shipped
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
}

fn sources(module: &str) -> Vec<String> {
    [format!("src/{module}.rs"), format!("src/{module}")]
        .iter()
        .flat_map(|path| files_below(path))
        .collect()
}

fn files_below(path: &str) -> Vec<String> {
    if Path::new(path).is_dir() {
        return children(path)
            .iter()
            .flat_map(|child| files_below(child))
            .collect();
    }
    let is_source = Path::new(path).exists() && Path::new(path).extension().is_some_and(|ext| ext == "rs");
    if is_source {
        vec![path.to_owned()]
    } else {
        Vec::new()
    }
}

fn children(path: &str) -> Vec<String> {
    let entries = fs::read_dir(path).expect("readable directory");
    entries
        .map(|entry| entry.expect("entry").path().display().to_string())
        .collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).expect("readable source")
}
