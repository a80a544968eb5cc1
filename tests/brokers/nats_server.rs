//! A NATS server with `JetStream`.

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use super::daemon::Daemon;

/// A running server; ends when dropped.
pub(crate) struct NatsServer(Daemon);

impl NatsServer {
    /// A server that everybody may use.
    pub(crate) async fn start() -> Self {
        Self::start_with("").await
    }

    /// The same with more lines of configuration.
    pub(crate) async fn start_with(config: &str) -> Self {
        let mut daemon = Daemon::new();
        let (dir, port) = (daemon.path().display(), daemon.port);
        let text =
            format!("listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \"{dir}/store\" }}\n{config}\n");
        let path = daemon.path().join("nats.conf");
        std::fs::write(&path, text).expect("a file");
        let mut command = Command::new("nats-server");
        command.arg("-c").arg(path);
        daemon.spawn(command);
        let mut server = Self(daemon);
        server.ready().await;
        server
    }

    async fn ready(&mut self) {
        let greeted = async |mut stream: tokio::net::TcpStream| {
            let mut greeting = [0; 4];
            stream.read_exact(&mut greeting).await.is_ok() && greeting == *b"INFO"
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

    /// Starts it again on the same port and data.
    pub(crate) async fn start_again(&mut self) {
        self.0.spawn_again();
        self.ready().await;
    }

    /// Tells it to ask its clients to leave.
    pub(crate) async fn retire(&self) {
        let signal = format!("ldm={}", self.0.id());
        let status = Command::new("nats-server")
            .args(["--signal", &signal])
            .status()
            .await;
        assert!(status.expect("a signal").success());
    }
}
