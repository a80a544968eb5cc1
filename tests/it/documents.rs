//! What stands in the repository for readers and editors is what the binary says and does.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::support::eventually;

const BINARY: &str = env!("CARGO_BIN_EXE_tramline");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

async fn said(args: &[&str]) -> String {
    let output = Command::new(BINARY)
        .args(args)
        .current_dir(ROOT)
        .output()
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

#[tokio::test]
async fn the_openapi_document_in_the_repository_is_that_of_the_binary() {
    assert_eq!(
        said(&["openapi"]).await,
        file("openapi/openapi.json"),
        "run `make openapi` and review the difference"
    );
}

#[tokio::test]
async fn the_rules_schema_in_the_repository_is_that_of_the_binary() {
    assert_eq!(
        said(&["rules", "schema"]).await,
        file("schemas/rules.schema.json"),
        "run `make openapi`"
    );
}

#[tokio::test]
async fn the_sample_rules_are_valid_and_pass_their_tests() {
    assert!(said(&["rules", "check", "rules"]).await.contains("no errors"));
    assert!(said(&["rules", "test", "rules"]).await.contains(" 0 failed"));
}

/// The first screen of the README is a promise: its commands are run as they stand there, and
/// must print what stands there, `…` standing for anything.
#[tokio::test]
async fn the_transcript_of_the_readme_is_what_happens() {
    let readme = file("README.md");
    let transcript = readme
        .split("```console\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let dir = tempfile::TempDir::new().unwrap();
    let port_file = dir.path().join("port");
    let _server = Command::new(BINARY)
        .args(["dev", "--listen", "127.0.0.1:0", "--segment-size", "67108864"])
        .arg("--data-dir")
        .arg(dir.path().join("data"))
        .arg("--port-file")
        .arg(&port_file)
        .current_dir(ROOT)
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let port = eventually("the server is ready", async || {
        std::fs::read_to_string(&port_file).ok()
    })
    .await;
    let steps: Vec<_> = transcript.split("$ ").skip(1).collect();
    assert!(steps.len() >= 3, "the transcript has {} steps", steps.len());
    for step in steps {
        let (command, expected) = split_step(step);
        let command = command
            .replace("8080", &port)
            .replace("target/debug/tramline", BINARY);
        eventually(&format!("`{command}` prints\n{expected}"), async || {
            let output = Command::new("bash")
                .args(["-c", &command])
                .current_dir(ROOT)
                .env("TRAMLINE_URL", format!("http://127.0.0.1:{port}"))
                .output()
                .await
                .unwrap();
            let printed = String::from_utf8_lossy(&output.stdout).into_owned();
            eprintln!("$ {command}\n{printed}");
            is_like(expected.trim(), printed.trim()).then_some(())
        })
        .await;
    }
}

/// A command goes on over lines that end with a backslash; the rest is what it prints.
fn split_step(step: &str) -> (String, String) {
    let mut command = String::new();
    let mut lines = step.lines();
    for line in lines.by_ref() {
        command.push_str(line);
        command.push('\n');
        if !line.ends_with('\\') {
            break;
        }
    }
    (
        command.trim_end().to_owned(),
        lines.collect::<Vec<_>>().join("\n"),
    )
}

/// Whether the text has the parts of the pattern in order; between them, where `…` stands, anything.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    rest.is_empty() || last.is_some_and(str::is_empty)
}
