//! A `RabbitMQ` node of one's own, on a free port and a directory that lives as long as it does.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::process::Command;

use super::daemon::free_port;
use super::eventually;
use super::group::Group;

/// Where the programs are that do not insist on being run by a user of their own.
const PROGRAMS: &str = "/usr/lib/rabbitmq/bin";

/// A running node. Killed when dropped.
pub(crate) struct Rabbit {
    daemon: Group,
    dir: TempDir,
    port: u16,
    distribution_port: u16,
}

impl Rabbit {
    /// A fresh node that is ready; `guest` may do everything.
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let (port, distribution_port) = (free_port(), free_port());
        let settings = format!("listeners.tcp.1 = 127.0.0.1:{port}\nloopback_users = none\n");
        fs::write(dir.path().join("rabbitmq.conf"), settings).expect("a file");
        for empty in ["env", "plugins"] {
            let text = if empty == "plugins" { "[]." } else { "" };
            fs::write(dir.path().join(empty), text).expect("a file");
        }
        let daemon = launch(dir.path(), port, distribution_port);
        let node = Self {
            daemon,
            dir,
            port,
            distribution_port,
        };
        node.ready().await;
        node
    }

    /// Its URL without credentials.
    pub(crate) fn url(&self) -> String {
        format!("amqp://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends it as a power cut would.
    pub(crate) async fn kill(&mut self) {
        self.daemon.kill().await;
    }

    /// Starts it again on the same port and directory, and waits until it is ready.
    pub(crate) async fn start_again(&mut self) {
        self.daemon = launch(self.dir.path(), self.port, self.distribution_port);
        self.ready().await;
    }

    /// Runs `rabbitmqctl` on it.
    pub(crate) async fn control(&self, arguments: &[&str]) {
        let mut command = Command::new(format!("{PROGRAMS}/rabbitmqctl"));
        environment(&mut command, self.dir.path(), self.port, self.distribution_port);
        let ran = command.arg("--quiet").args(arguments).output().await;
        let ran = ran.expect("a program that is installed");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "rabbitmqctl {arguments:?}: {said}");
    }

    /// Waits until it answers on its port in its protocol.
    async fn ready(&self) {
        eventually("the RabbitMQ node answers", async || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
            stream.write_all(b"AMQP\0\0\x09\x01").await.ok()?;
            stream.read_u8().await.ok()
        })
        .await;
    }
}

fn launch(dir: &Path, port: u16, distribution_port: u16) -> Group {
    let mut command = Command::new(format!("{PROGRAMS}/rabbitmq-server"));
    environment(&mut command, dir, port, distribution_port);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Group::start(&mut command)
}

/// Everything that a node has is in its directory; the environment names no other one.
fn environment(command: &mut Command, dir: &Path, port: u16, distribution_port: u16) {
    command
        .env("HOME", dir)
        .env("RABBITMQ_NODENAME", format!("tramline{port}@localhost"))
        .env("RABBITMQ_CONF_ENV_FILE", dir.join("env"))
        .env("RABBITMQ_CONFIG_FILE", dir.join("rabbitmq"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", dir.join("plugins"))
        .env("RABBITMQ_MNESIA_BASE", dir.join("data"))
        .env("RABBITMQ_LOG_BASE", dir.join("log"))
        .env("RABBITMQ_PID_FILE", dir.join("pid"))
        .env("RABBITMQ_DIST_PORT", distribution_port.to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("LANG", "C.UTF-8");
}
