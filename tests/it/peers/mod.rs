//! Programs of others, as they are, at the versions pinned in `tests/peers`; `scripts/peers`
//! installs them.

pub(crate) mod asyncapi;
mod functions;
mod lambda;
mod registry;
mod sdks;
mod signatures;

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::support::PATIENCE;
use crate::support::Received;

/// What reads events from brokers.
pub(crate) fn brokers() -> Script {
    Script::python("brokers", "read")
}

/// A script that uses somebody's library: JSON in, JSON out.
pub(crate) struct Script {
    program: PathBuf,
    file: PathBuf,
}

impl Script {
    /// A script in Python, in the virtual environment of its peer.
    fn python(peer: &str, name: &str) -> Self {
        let peer = peers().join(peer);
        Self {
            program: peer.join(".venv/bin/python"),
            file: peer.join(format!("{name}.py")),
        }
    }

    /// A script in JavaScript.
    fn javascript(name: &str) -> Self {
        Self {
            program: PathBuf::from("node"),
            file: peers().join(format!("{name}.mjs")),
        }
    }

    pub(crate) async fn run(&self, args: &[&str], input: &Value) -> Value {
        let Self { program, file } = self;
        let mut child = Command::new(program)
            .arg(file)
            .args(args)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}: run scripts/peers", program.display()));
        let mut stdin = child.stdin.take().expect("stdin");
        // A script that ended early says why on stderr.
        drop(stdin.write_all(input.to_string().as_bytes()).await);
        drop(stdin);
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output())
            .await
            .unwrap_or_else(|_| panic!("{} does not end", file.display()))
            .expect("its output");
        assert!(
            output.status.success(),
            "{} failed; if it misses a package, run scripts/peers:\n{}",
            file.display(),
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers")
}

/// Requests in the form that the scripts read.
fn recorded(requests: &[Received]) -> Value {
    let one = |request: &Received| {
        let headers: BTreeMap<_, _> = request
            .headers
            .keys()
            .map(|name| (name.as_str(), request.header(name.as_str())))
            .collect();
        json!({ "headers": headers, "body": STANDARD.encode(&request.body) })
    };
    requests.iter().map(one).collect()
}
