//! A `PostgreSQL` server whose users log in with passwords.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use tokio::process::Command;
use tokio_postgres::Client;
use tokio_postgres::Config;
use tokio_postgres::NoTls;

use super::daemon::Daemon;
use super::eventually;

/// The user who may do everything, and the password of every user.
pub(crate) const ADMIN: &str = "admin";
pub(crate) const PASSWORD: &str = "correct-horse";

/// A running server; ends when dropped.
pub(crate) struct PostgresServer(Daemon);

impl PostgresServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A server with these settings beside its own.
    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_with_files(settings, &[]).await
    }

    /// The same with files in its directory, which only it may read.
    pub(crate) async fn start_with_files(settings: &[(&str, &str)], files: &[(&str, &str)]) -> Self {
        let mut daemon = Daemon::new();
        let data = daemon.path().join("data");
        let secret = daemon.path().join("password");
        std::fs::write(&secret, PASSWORD).expect("a file");
        give(daemon.path());
        give(&secret);
        let (data_text, secret_text) = (data.display().to_string(), secret.display().to_string());
        let made = unprivileged("initdb")
            .args(["-D", &data_text, "-U", ADMIN, "-A", "scram-sha-256", "-N"])
            .args(["--pwfile", &secret_text, "--no-locale", "-E", "UTF8"])
            .output()
            .await
            .expect("initdb");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        for (name, text) in files {
            let path = data.join(name);
            std::fs::write(&path, text).expect("a file");
            give(&path);
        }
        let port = daemon.port.to_string();
        let mut command = unprivileged("postgres");
        command.args(["-D", &data_text, "-p", &port, "-h", "127.0.0.1", "-k", ""]);
        for (name, value) in settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        daemon.spawn(command);
        let mut server = Self(daemon);
        server.ready().await;
        server
    }

    /// Waits until somebody can log in. After a kill, those who served may hold the data for a moment.
    async fn ready(&mut self) {
        let mut again = tokio::time::interval(std::time::Duration::from_millis(50));
        let becoming = async {
            loop {
                again.tick().await;
                if self.0.has_ended() {
                    self.0.spawn_again();
                }
                if self.try_login(ADMIN, PASSWORD, "postgres").await.is_some() {
                    return;
                }
            }
        };
        let log = becoming;
        assert!(
            tokio::time::timeout(super::PATIENCE, log).await.is_ok(),
            "PostgreSQL does not get ready"
        );
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

    /// Runs statements as the user who may do everything.
    pub(crate) async fn run(&self, statements: &str) {
        self.admin()
            .await
            .batch_execute(statements)
            .await
            .expect("statements");
    }

    /// The one value that a query answers, as text.
    pub(crate) async fn value(&self, query: &str) -> Option<String> {
        let answers = self.admin().await.simple_query(query).await.expect("a query");
        answers.into_iter().find_map(|answer| match answer {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).map(str::to_owned)),
            _ => None,
        })?
    }

    /// The first column of what a query answers, as text.
    pub(crate) async fn column(&self, query: &str) -> Vec<String> {
        let answers = self.admin().await.simple_query(query).await.expect("a query");
        let rows = answers.into_iter().filter_map(|answer| match answer {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        });
        rows.collect()
    }

    /// A session of the user who may do everything.
    pub(crate) async fn admin(&self) -> Client {
        eventually("somebody can log in", async || {
            self.try_login(ADMIN, PASSWORD, "postgres").await
        })
        .await
    }

    async fn try_login(&self, user: &str, password: &str, database: &str) -> Option<Client> {
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port()))
            .await
            .ok()?;
        let mut config = Config::new();
        config.user(user).password(password).dbname(database);
        let (client, connection) = config.connect_raw(stream, NoTls).await.ok()?;
        #[expect(
            clippy::disallowed_methods,
            reason = "ends with its client, which the test drops"
        )]
        tokio::spawn(connection);
        Some(client)
    }
}

/// A program of the server, which refuses to run as root.
fn unprivileged(program: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", program]);
    command
}

/// Makes a file the server's own, and nobody else's.
fn give(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = if path.is_dir() { 0o700 } else { 0o600 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("permissions");
    if is_root() {
        let status = std::process::Command::new("chown")
            .arg("postgres:postgres")
            .arg(path)
            .status();
        assert!(status.expect("chown").success());
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").expect("a process").uid() == 0
}
