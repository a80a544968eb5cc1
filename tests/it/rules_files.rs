//! Rules files: at start, while they are watched, and on the command line.

use std::fs;
use std::path::Path;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::support::Server;
use crate::support::event;
use crate::support::eventually;
use crate::support::rule;
use crate::support::tramline;
use crate::support::tramline_with;

const NOWHERE: &str = "https://example.com/";

/// A file with these rules, each for events of its own name.
fn file(names: &[&str]) -> String {
    let rules = names.iter().map(|name| {
        format!(
            "  - name: {name}\n    match: {{ type: [{name}] }}\n    targets:\n      - name: hook\n        \
             webhook: {{ url: \"{NOWHERE}\" }}\n"
        )
    });
    format!("rules:\n{}", rules.collect::<String>())
}

fn write(dir: &TempDir, name: &str, text: &str) -> String {
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

async fn names(server: &Server) -> Vec<String> {
    let rules = server.get("/v1/buses/default/rules").await;
    let items = rules["items"].as_array().unwrap();
    items
        .iter()
        .map(|rule| rule["name"].as_str().unwrap().to_owned())
        .collect()
}

async fn becomes(server: &Server, expected: &[&str]) {
    eventually(&format!("the rules are {expected:?}"), async || {
        (names(server).await == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_file_is_in_force_at_start_and_when_it_changes() {
    let dir = TempDir::new().unwrap();
    let path = write(&dir, "r.yaml", &file(&["a", "b"]));
    let mut server = Server::start_with(&["--rules", &path]).await;
    assert_eq!(names(&server).await, ["a", "b"]);
    assert_eq!(
        server.publish(&event("1", "a", &json!(1))).await["matched"],
        json!(["a"])
    );
    write(&dir, "r.yaml", &file(&["b", "c"]));
    becomes(&server, &["b", "c"]).await;
    assert_eq!(
        server.publish(&event("2", "a", &json!(1))).await["matched"],
        json!([])
    );
    assert_eq!(
        server.publish(&event("3", "c", &json!(1))).await["matched"],
        json!(["c"])
    );
    // What changed while nobody watched is found at the next start.
    server.kill().await;
    write(&dir, "r.yaml", &file(&["c"]));
    server.restart().await;
    assert_eq!(names(&server).await, ["c"]);
}

#[tokio::test]
async fn a_folder_gains_and_loses_files() {
    let dir = TempDir::new().unwrap();
    write(&dir, "1.yaml", &file(&["a"]));
    write(&dir, "2.yml", &file(&["b"]));
    write(&dir, "notes.txt", "no rules");
    let mut server = Server::start_with(&["--rules", dir.path().to_str().unwrap()]).await;
    assert_eq!(names(&server).await, ["a", "b"]);
    let document = json!({ "rules": [crate::support::named("c", rule("c", NOWHERE))] });
    write(&dir, "3.json", &document.to_string());
    becomes(&server, &["a", "b", "c"]).await;
    fs::remove_file(dir.path().join("1.yaml")).unwrap();
    becomes(&server, &["b", "c"]).await;
    server.kill().await;
    fs::remove_file(dir.path().join("2.yml")).unwrap();
    server.restart().await;
    assert_eq!(names(&server).await, ["c"]);
}

#[tokio::test]
async fn a_named_file_that_is_deleted_takes_its_rules_along() {
    let dir = TempDir::new().unwrap();
    let (one, two) = (
        write(&dir, "1.yaml", &file(&["a"])),
        write(&dir, "2.yaml", &file(&["b"])),
    );
    let server = Server::start_with(&["--rules", &one, "--rules", &two]).await;
    fs::remove_file(&one).unwrap();
    becomes(&server, &["b"]).await;
    write(&dir, "1.yaml", &file(&["a"]));
    becomes(&server, &["a", "b"]).await;
}

#[tokio::test]
async fn a_file_that_breaks_leaves_the_last_good_rules_in_force() {
    let dir = TempDir::new().unwrap();
    write(&dir, "1.yaml", &file(&["a"]));
    write(&dir, "2.yaml", &file(&["b"]));
    let server = Server::start_with(&["--rules", dir.path().to_str().unwrap()]).await;
    // Removed together with the break: nothing is done by halves, and nothing is forgotten.
    fs::remove_file(dir.path().join("1.yaml")).unwrap();
    write(&dir, "2.yaml", "rules:\n  - nmae: b\n");
    let told = server.hears("2.yaml:2:5").await;
    assert!(told.contains("error[unknown-key]"), "{told}");
    assert_eq!(names(&server).await, ["a", "b"]);
    write(&dir, "2.yaml", &file(&["b", "c"]));
    becomes(&server, &["b", "c"]).await;
}

#[tokio::test]
async fn a_rule_of_a_file_cannot_be_changed_by_api() {
    let dir = TempDir::new().unwrap();
    let path = write(&dir, "r.yaml", &file(&["a"]));
    let server = Server::start_with(&["--rules", &path]).await;
    let owned = server.get("/v1/buses/default/rules/a").await;
    assert_eq!(owned["owner"], json!(path));
    let document = json!({ "rules": [crate::support::named("a", rule("x", NOWHERE))] });
    let answers = [
        server.put("/v1/buses/default/rules/a", &rule("x", NOWHERE)).await,
        server.delete("/v1/buses/default/rules/a").await,
        server
            .call(server.request(Method::POST, "/v1/apply").json(&document))
            .await,
        server
            .call(
                server
                    .request(Method::POST, "/v1/apply?prune=true")
                    .json(&json!({ "rules": [] })),
            )
            .await,
    ];
    for (status, problem) in answers {
        assert_eq!((status, &problem["code"]), (409, &json!("owned-by-file")));
    }
    // Saying the same changes nothing, and other rules are free.
    assert_eq!(server.put("/v1/buses/default/rules/a", &owned).await.0, 200);
    assert_eq!(
        server
            .put("/v1/buses/default/rules/b", &rule("x", NOWHERE))
            .await
            .0,
        201
    );
    assert_eq!(
        server.get("/v1/buses/default/rules/a").await["owner"],
        json!(path)
    );
}

#[tokio::test]
async fn a_broken_file_at_start_is_told_with_its_place_and_the_correction() {
    let dir = TempDir::new().unwrap();
    let path = write(&dir, "r.yaml", &file(&["a"]).replace("targets", "taregts"));
    let data = dir.path().join("data").display().to_string();
    let ran = tramline(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        &data,
        "--rules",
        &path,
    ])
    .await
    .ended(2);
    let place = format!("{path}:4:5 error[unknown-key]");
    assert!(
        ran.stderr.contains(&place) && ran.stderr.contains("did you mean `targets`?"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stdout, "");
    let missing = dir.path().join("none.yaml").display().to_string();
    let args = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        &data,
        "--rules",
        &missing,
    ];
    assert!(tramline(&args).await.ended(2).stderr.contains("none.yaml"));
}

#[tokio::test]
async fn the_sample_rules_are_sound_and_pass_their_tests() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/welcome.yaml");
    let sample = sample.to_str().unwrap();
    let ran = tramline(&["rules", "check", sample]).await.ended(0);
    assert!(
        ran.stdout
            .starts_with("1 rule in 1 file: no errors, complexity at most "),
        "{}",
        ran.stdout
    );
    let ran = tramline(&["rules", "test", sample]).await.ended(0);
    assert!(ran.stdout.ends_with("2 passed, 0 failed\n"), "{}", ran.stdout);
}

#[tokio::test]
async fn all_errors_of_all_documents_are_told_at_once() {
    let dir = TempDir::new().unwrap();
    let broken = "rules:\n  - name: x\n    match: { type: [{ prefx: a }] }\n    targets: []\n";
    let path = write(
        &dir,
        "r.yaml",
        &format!("{}---\n{broken}---\nbuss: b\nrules: []\n", file(&["a"])),
    );
    let ran = tramline(&["rules", "check", &path]).await.ended(2);
    for expected in [
        ":10:",
        ":13:1 error[unknown-key]",
        "did you mean `prefix`?",
        "did you mean `bus`?",
    ] {
        assert!(ran.stderr.contains(expected), "{expected} in\n{}", ran.stderr);
    }
    assert_eq!(ran.stdout, "");
    let twice = write(
        &dir,
        "twice.yaml",
        &format!("{}---\n{}", file(&["a"]), file(&["a"])),
    );
    let ran = tramline(&["rules", "check", &twice]).await.ended(2);
    assert!(ran.stderr.contains("duplicate-name"), "{}", ran.stderr);
    tramline(&["rules", "check", "none.yaml"]).await.ended(2);
}

#[tokio::test]
async fn a_test_that_fails_is_a_no_and_says_what_differs() {
    let dir = TempDir::new().unwrap();
    let tests = "tests:\n  - name: expected too much\n    event: { type: a, data: { n: 1 } }\n    \
                 expect: { a: { hook: { data: { n: 2 } } } }\n  - name: matches all the same\n    event: { type: a }\n    \
                 expect: {}\n  - name: holds\n    event: { type: b }\n    expect: {}\n";
    let path = write(&dir, "r.yaml", &format!("{}{tests}", file(&["a"])));
    let ran = tramline(&["rules", "test", &path]).await.ended(1);
    for expected in [
        "FAIL  ",
        "a/hook: /data/n is 1, expected 2",
        "a: matches, and is not expected to",
        "1 passed, 2 failed",
    ] {
        assert!(ran.stdout.contains(expected), "{expected} in\n{}", ran.stdout);
    }
}

#[tokio::test]
async fn files_are_applied_and_rules_listed_from_the_command_line() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start().await);
    let other = format!("---\nbus: other\n{}", file(&["z"]));
    let path = write(&dir, "r.yaml", &format!("{}{other}", file(&["a", "b"])));
    let url = ("TRAMLINE_URL", server.url());
    let ran = tramline_with(&["rules", "apply", "--dry-run", &path], &[url], "")
        .await
        .ended(0);
    assert!(
        ran.stdout.contains("+ bus other") && ran.stdout.contains("would be"),
        "{}",
        ran.stdout
    );
    assert_eq!(names(&server).await, [""; 0]);
    let ran = tramline_with(&["rules", "apply", &path, "-o", "json"], &[url], "")
        .await
        .ended(0);
    assert_eq!(ran.json()["add"], json!(["default/a", "default/b", "other/z"]));
    let ran = tramline_with(&["rules", "apply", &path], &[url], "")
        .await
        .ended(0);
    assert!(ran.stdout.contains("3 rules unchanged"), "{}", ran.stdout);
    write(&dir, "r.yaml", &file(&["b"]));
    let ran = tramline_with(&["rules", "apply", "--prune", &path], &[url], "")
        .await
        .ended(0);
    assert!(ran.stdout.contains("- a"), "{}", ran.stdout);
    let ran = tramline_with(&["rules", "list", "-o", "json"], &[url], "")
        .await
        .ended(0);
    let listed: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((listed.len(), &listed[0]["name"]), (1, &json!("b")));
    let ran = tramline_with(&["rules", "list", "--bus", "other"], &[url], "")
        .await
        .ended(0);
    assert!(
        ran.stdout.lines().nth(1).unwrap().starts_with('z'),
        "{}",
        ran.stdout
    );
    tramline_with(&["rules", "list", "--bus", "none"], &[url], "")
        .await
        .ended(5);
    write(&dir, "r.yaml", "rules:\n  - nmae: b\n");
    tramline_with(&["rules", "apply", &path], &[url], "")
        .await
        .ended(2);
}

#[tokio::test]
async fn more_rules_than_a_page_holds_are_listed_all_the_same() {
    let server = Server::start().await;
    let rules: Vec<_> = (0..1_100)
        .map(|n| crate::support::named(&format!("r{n}"), rule("a", NOWHERE)))
        .collect();
    server.post("/v1/apply", &json!({ "rules": rules })).await;
    let ran = tramline(&["rules", "list", "--url", server.url(), "-o", "jsonl"])
        .await
        .ended(0);
    assert_eq!(ran.stdout.lines().count(), 1_100);
}
