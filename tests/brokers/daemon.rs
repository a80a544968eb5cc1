//! A server of somebody else's: started on a port and directory of its own, killed when dropped.

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::AtomicU16;
use std::sync::atomic::Ordering;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::process::Command;

use super::eventually;

/// A process that serves a port, and the directory that is its own.
pub(crate) struct Daemon {
    child: Option<Child>,
    command: Vec<String>,
    pub(crate) port: u16,
    pub(crate) dir: TempDir,
}

impl Daemon {
    /// A place for a server. Nothing runs yet.
    pub(crate) fn new() -> Self {
        Self::at(free_port())
    }

    /// A place for a server at this port.
    pub(crate) fn at(port: u16) -> Self {
        Self {
            child: None,
            command: Vec::new(),
            port,
            dir: tempfile::tempdir().expect("a directory"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Starts a program, or the same one again, and does not wait for anything.
    pub(crate) fn spawn(&mut self, command: Vec<String>) {
        self.command = command;
        self.spawn_again();
    }

    /// Starts what was started before.
    pub(crate) fn spawn_again(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path().join("daemon.log"));
        let log = log.expect("a log");
        let (program, args) = self.command.split_first().expect("a command");
        let child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a handle"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn();
        self.child = Some(child.unwrap_or_else(|error| panic!("{program}: {error}")));
    }

    /// Ends the process as a power cut would end it, as far as the process can tell.
    pub(crate) async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await.expect("a process to kill");
        }
    }

    /// Its process id, while it runs.
    pub(crate) fn id(&self) -> u32 {
        self.child
            .as_ref()
            .and_then(Child::id)
            .expect("a running process")
    }

    /// Whether the process has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_none_or(|child| child.try_wait().expect("a process").is_some())
    }

    /// Waits until `greet` finds the server at its port well.
    pub(crate) async fn ready(&mut self, greet: impl AsyncFn(TcpStream) -> bool) {
        let (port, log) = (self.port, self.path().join("daemon.log"));
        assert!(
            !self.has_ended(),
            "it ended: {}",
            std::fs::read_to_string(&log).unwrap_or_default()
        );
        let what = format!("{} is ready, {}", self.command.join(" "), log.display());
        eventually(&what, async || {
            let stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
            greet(stream).await.then_some(())
        })
        .await;
    }
}

/// A port that nobody listens at, and that no other test of this process is given.
pub(crate) fn free_port() -> u16 {
    /// Below the ports that clients are given, which would be in use now and then.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let offset = NEXT.fetch_add(1, Ordering::Relaxed) % 8000;
        let start = u16::try_from(std::process::id() % 8000).expect("small");
        let port = 20000 + (start + offset) % 8000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
