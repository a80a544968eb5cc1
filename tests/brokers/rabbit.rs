//! A `RabbitMQ` node of one's own, on a free port and a directory that lives as long as it does.

use std::fs;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::process::Command;

use super::daemon::Daemon;
use super::daemon::free_port;

/// Where the programs are that do not insist on being run by a user of their own.
const PROGRAMS: &str = "/usr/lib/rabbitmq/bin";

/// A running node. Killed when dropped.
pub(crate) struct Rabbit {
    daemon: Daemon,
    distribution_port: u16,
}

impl Rabbit {
    /// A fresh node that is ready; `guest` may do everything.
    pub(crate) async fn start() -> Self {
        let daemon = Daemon::new();
        let settings = format!(
            "listeners.tcp.1 = 127.0.0.1:{}\nloopback_users = none\n",
            daemon.port
        );
        fs::write(daemon.path().join("rabbitmq.conf"), settings).expect("a file");
        for empty in ["env", "plugins"] {
            let text = if empty == "plugins" { "[]." } else { "" };
            fs::write(daemon.path().join(empty), text).expect("a file");
        }
        let mut node = Self {
            daemon,
            distribution_port: free_port(),
        };
        node.daemon.spawn(node.command("rabbitmq-server"));
        node.ready().await;
        node
    }

    /// Its URL without credentials.
    pub(crate) fn url(&self) -> String {
        format!("amqp://127.0.0.1:{}", self.port())
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.daemon.port
    }

    /// Ends it as a power cut would.
    pub(crate) async fn kill(&mut self) {
        self.daemon.kill().await;
    }

    /// Starts it again on the same port and directory, and waits until it is ready.
    pub(crate) async fn start_again(&mut self) {
        self.daemon.spawn_again();
        self.ready().await;
    }

    /// Runs `rabbitmqctl` on it.
    pub(crate) async fn control(&self, arguments: &[&str]) {
        let mut command = self.command("rabbitmqctl");
        let ran = command.arg("--quiet").args(arguments).output().await;
        let ran = ran.expect("a program that is installed");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "rabbitmqctl {arguments:?}: {said}");
    }

    /// Waits until it answers on its port in its protocol.
    async fn ready(&mut self) {
        let greeted = async |mut stream: TcpStream| {
            stream.write_all(b"AMQP\0\0\x09\x01").await.is_ok() && stream.read_u8().await.is_ok()
        };
        self.daemon.ready(greeted).await;
    }

    /// One of its programs. Everything that a node has is in its directory; the environment names no other one.
    fn command(&self, program: &str) -> Command {
        let (dir, port) = (self.daemon.path(), self.port());
        let mut command = Command::new(format!("{PROGRAMS}/{program}"));
        command
            .env("HOME", dir)
            .env("RABBITMQ_NODENAME", format!("tramline{port}@localhost"))
            .env("RABBITMQ_CONF_ENV_FILE", dir.join("env"))
            .env("RABBITMQ_CONFIG_FILE", dir.join("rabbitmq"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", dir.join("plugins"))
            .env("RABBITMQ_MNESIA_BASE", dir.join("data"))
            .env("RABBITMQ_LOG_BASE", dir.join("log"))
            .env("RABBITMQ_PID_FILE", dir.join("pid"))
            .env("RABBITMQ_DIST_PORT", self.distribution_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("LANG", "C.UTF-8");
        command
    }
}
