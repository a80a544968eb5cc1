//! The real binary with a data directory of its own.

use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Child;
use tokio::process::Command;

use super::wire::Wire;

/// A start that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; killed when dropped, its data removed.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    dir: TempDir,
    child: Child,
}

/// What its log has done so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Synced {
    /// Bytes appended.
    pub(crate) bytes: u64,
    /// Groups synced.
    pub(crate) groups: u64,
}

impl Server {
    /// Starts the server with the settings it has by default; `rules` is the text of a rules file.
    pub(crate) async fn start(rules: Option<&str>) -> Self {
        let dir = scratch();
        if let Some(rules) = rules {
            std::fs::write(dir.path().join("rules.yaml"), rules).expect("a rules file");
        }
        Self::start_in(dir).await
    }

    /// Kills it without warning and starts it again on its data; also how long that start took.
    pub(crate) async fn restart(mut self) -> (Self, Duration) {
        self.child.kill().await.expect("it is killed");
        std::fs::remove_file(self.dir.path().join("port")).expect("its port file");
        let started = Instant::now();
        let server = Self::start_in(self.dir).await;
        (server, started.elapsed())
    }

    async fn start_in(dir: TempDir) -> Self {
        let (port_file, rules) = (dir.path().join("port"), dir.path().join("rules.yaml"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_tramline"));
        command
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--egress-allow",
                "127.0.0.1/32",
            ])
            .args([OsStr::new("--port-file"), port_file.as_os_str()])
            .args([OsStr::new("--data-dir"), dir.path().join("data").as_os_str()]);
        if rules.exists() {
            command.args([OsStr::new("--rules"), rules.as_os_str()]);
        }
        let log = std::fs::File::create(dir.path().join("stderr")).expect("a file");
        let child = command
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("the server starts");
        let port = tokio::time::timeout(PATIENCE, port_in(&port_file))
            .await
            .expect("the server is ready in time");
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            dir,
            child,
        }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Deliveries of all routes that are not done.
    pub(crate) async fn backlog(&self) -> u64 {
        let routes = self.get("/v1/routes").await;
        let items = routes
            .get("items")
            .and_then(Value::as_array)
            .expect("routes")
            .clone();
        let of = |route: &Value, name: &str| route.get(name).and_then(Value::as_u64).expect("a count");
        let open = |route: &Value| of(route, "backlog") + of(route, "in_flight") + of(route, "retrying");
        items.iter().map(open).sum()
    }

    /// Where its data is.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Asks what the log has done.
    pub(crate) async fn synced(&self) -> Synced {
        let status = self.get("/v1/status").await;
        let field = |name: &str| status.get(name).and_then(Value::as_u64).expect("a count");
        Synced {
            bytes: field("appended_bytes"),
            groups: field("synced_groups"),
        }
    }

    /// Open dead letters of all routes.
    pub(crate) async fn dead(&self) -> u64 {
        let routes = self.get("/v1/routes").await;
        let items = routes.get("items").and_then(Value::as_array).expect("routes");
        let dead = |route: &Value| route.get("dead").and_then(Value::as_u64).expect("a count");
        items.iter().map(dead).sum()
    }

    /// Asks for a resource.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"))
            .await
    }

    /// Sends JSON; gives the answer.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        self.send(&format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await
    }

    /// Applies a rules file in YAML.
    pub(crate) async fn apply(&self, rules: &str) {
        self.send(&format!(
            "POST /v1/apply HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/yaml\r\ncontent-length: {}\r\n\r\n{rules}",
            rules.len()
        ))
        .await;
    }

    async fn send(&self, request: &str) -> Value {
        let mut wire = Wire::connect(self.address).await.expect("a connection");
        wire.send(request.as_bytes()).await.expect("a request is sent");
        let answer = wire.receive().await.expect("an answer").expect("an answer");
        assert!(
            answer.head.starts_with(b"HTTP/1.1 2"),
            "refused: {}",
            String::from_utf8_lossy(answer.body)
        );
        serde_json::from_slice(answer.body).expect("JSON")
    }
}

/// A directory on the file system of the build.
pub(crate) fn scratch() -> TempDir {
    tempfile::Builder::new()
        .prefix("figures-")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
        .expect("a directory")
}

async fn port_in(file: &Path) -> u16 {
    loop {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if let Ok(port) = text.trim().parse() {
            return port;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
