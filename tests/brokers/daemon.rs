//! A server of somebody else's: started on a port and directory of its own, killed when dropped.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::AtomicU16;
use std::sync::atomic::Ordering;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::Command;

use super::eventually;
use super::group::Group;

/// A process that serves a port, and the directory that is its own.
pub(crate) struct Daemon {
    group: Option<Group>,
    command: Option<Command>,
    pub(crate) port: u16,
    dir: TempDir,
}

impl Daemon {
    /// A place for a server. Nothing runs yet.
    pub(crate) fn new() -> Self {
        Self::at(free_port())
    }

    /// A place for a server at this port.
    pub(crate) fn at(port: u16) -> Self {
        Self {
            group: None,
            command: None,
            port,
            dir: tempfile::tempdir().expect("a directory"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Starts a program, and does not wait for anything. What it says is in its directory.
    pub(crate) fn spawn(&mut self, mut command: Command) {
        let log = File::create(self.path().join("daemon.log")).expect("a log");
        command.stdout(log.try_clone().expect("a handle")).stderr(log);
        self.command = Some(command);
        self.spawn_again();
    }

    /// Starts what was started before.
    pub(crate) fn spawn_again(&mut self) {
        self.group = self.command.as_mut().map(Group::start);
    }

    /// Ends the process as a power cut would end it, as far as the process can tell.
    pub(crate) async fn kill(&mut self) {
        if let Some(mut group) = self.group.take() {
            group.kill().await;
        }
    }

    /// Its process id, while it runs.
    pub(crate) fn id(&self) -> u32 {
        let id = self.group.as_ref().and_then(Group::id);
        id.expect("a running process")
    }

    /// Whether the process has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        let group = self.group.as_mut();
        group.is_none_or(|group| group.child().try_wait().expect("a process").is_some())
    }

    /// Waits until `greet` finds the server at its port well.
    pub(crate) async fn ready(&mut self, greet: impl AsyncFn(TcpStream) -> bool) {
        let (port, log) = (self.port, self.path().join("daemon.log"));
        assert!(
            !self.has_ended(),
            "it ended: {}",
            std::fs::read_to_string(&log).unwrap_or_default()
        );
        let program = self
            .command
            .as_ref()
            .map(|command| command.as_std().get_program());
        let what = format!("{program:?} is ready, {}", log.display());
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
