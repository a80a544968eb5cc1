//! A Redis server that syncs every write.

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::daemon::Daemon;

/// A running server; ends when dropped.
pub(crate) struct RedisServer(Daemon);

impl RedisServer {
    /// A server that everybody may use.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with more arguments.
    pub(crate) async fn start_with(more: &[&str]) -> Self {
        Self::launch(Daemon::new(), more).await
    }

    /// A server that everybody may use, at this port.
    pub(crate) async fn start_at(port: u16) -> Self {
        Self::launch(Daemon::at(port), &[]).await
    }

    async fn launch(mut daemon: Daemon, more: &[&str]) -> Self {
        let (dir, port) = (daemon.path().display().to_string(), daemon.port.to_string());
        let fixed = [
            "--port",
            &port,
            "--bind",
            "127.0.0.1",
            "--dir",
            &dir,
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
        ];
        let mut command = Command::new("redis-server");
        command.args(fixed).args(more);
        daemon.spawn(command);
        let mut server = Self(daemon);
        server.ready().await;
        server
    }

    async fn ready(&mut self) {
        let greeted = async |mut stream: tokio::net::TcpStream| {
            let mut answer = [0; 5];
            let asked = stream.write_all(b"PING\r\n").await;
            asked.is_ok()
                && stream.read_exact(&mut answer).await.is_ok()
                && matches!(&answer, b"+PONG" | b"-NOAU")
        };
        self.0.ready(greeted).await;
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port
    }

    /// Ends it as a power cut would, as far as it can tell.
    pub(crate) async fn kill(&mut self) {
        self.0.kill().await;
    }

    /// Starts it again on the same port and data, and does not wait.
    pub(crate) fn spawn_again(&mut self) {
        self.0.spawn_again();
    }

    /// Starts it again on the same port and data.
    pub(crate) async fn start_again(&mut self) {
        self.0.spawn_again();
        self.ready().await;
    }
}
