//! A Mosquitto broker of one's own, and a subscriber that notes what it gets.

use std::fs;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncBufReadExt as _;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::PATIENCE;
use super::daemon::free_port;
use super::eventually;
use super::group::Group;

/// A running broker. Killed when dropped.
pub(crate) struct Mosquitto {
    daemon: Group,
    dir: TempDir,
    port: u16,
    /// Reads what the broker says, so that it never blocks on a full pipe.
    talk: JoinSet<()>,
    said: watch::Receiver<Vec<String>>,
}

impl Mosquitto {
    /// A broker that lets everybody do everything, and is ready.
    pub(crate) async fn start() -> Self {
        Self::start_with("allow_anonymous true\n", &[]).await
    }

    /// A broker with these settings and these files, whose names the settings mention as `DIR/name`.
    pub(crate) async fn start_with(settings: &str, files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let path = dir.path().to_str().expect("a name in UTF-8");
        for (name, text) in files {
            fs::write(dir.path().join(name), text).expect("a file");
        }
        let settings = format!(
            "listener {port} 127.0.0.1\nuser root\nlog_dest stderr\nlog_type all\n{}",
            settings.replace("DIR", path)
        );
        fs::write(dir.path().join("mosquitto.conf"), settings).expect("a file");
        let (daemon, talk, said) = launch(&dir);
        let broker = Self {
            daemon,
            dir,
            port,
            talk,
            said,
        };
        broker.ready().await;
        broker
    }

    /// Its URL without credentials.
    pub(crate) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends it as a power cut would.
    pub(crate) async fn kill(&mut self) {
        self.daemon.kill().await;
    }

    /// Asks it to stop.
    pub(crate) async fn stop(&mut self) {
        self.daemon.stop().await;
    }

    /// Starts it again on the same port and directory, and waits until it is ready.
    pub(crate) async fn start_again(&mut self) {
        (self.daemon, self.talk, self.said) = launch(&self.dir);
        self.ready().await;
    }

    /// The first line of its log with this text; waits for it.
    pub(crate) async fn hears(&self, part: &str) -> String {
        let mut said = self.said.clone();
        let find = |lines: &Vec<String>| lines.iter().find(|line| line.contains(part)).cloned();
        let lines = tokio::time::timeout(PATIENCE, said.wait_for(|lines| find(lines).is_some())).await;
        let lines = lines.unwrap_or_else(|_| panic!("the broker never says `{part}`"));
        find(&lines.expect("a broker that runs")).expect("the line")
    }

    async fn ready(&self) {
        eventually("the Mosquitto broker answers", async || {
            TcpStream::connect(("127.0.0.1", self.port)).await.ok()
        })
        .await;
    }
}

fn launch(dir: &TempDir) -> (Group, JoinSet<()>, watch::Receiver<Vec<String>>) {
    let mut command = Command::new("/usr/sbin/mosquitto");
    command.arg("-c").arg(dir.path().join("mosquitto.conf"));
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut daemon = Group::start(&mut command);
    let mut lines = BufReader::new(daemon.child().stderr.take().expect("stderr")).lines();
    let heard = watch::Sender::new(Vec::new());
    let (said, mut talk) = (heard.subscribe(), JoinSet::new());
    talk.spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            eprintln!("mosquitto: {line}");
            heard.send_modify(|lines| lines.push(line));
        }
    });
    (daemon, talk, said)
}

/// Another client, which has subscribed and notes what it gets. Ends when dropped.
pub(crate) struct Subscriber {
    _daemon: Group,
    _reading: JoinSet<()>,
    got: watch::Receiver<Vec<Value>>,
}

impl Subscriber {
    /// Subscribes with quality of service 1, and waits until the broker has agreed.
    pub(crate) async fn to(broker: &Mosquitto, topic: &str, more: &[&str]) -> Self {
        let port = broker.port.to_string();
        let mut command = Command::new("mosquitto_sub");
        let settings = ["-h", "127.0.0.1", "-p", &port, "-V", "5", "-q", "1", "-t", topic];
        command.args(settings).args(["-F", "%J"]).args(more);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut daemon = Group::start(&mut command);
        let mut lines = BufReader::new(daemon.child().stdout.take().expect("stdout")).lines();
        let noted = watch::Sender::new(Vec::new());
        let (got, mut reading) = (noted.subscribe(), JoinSet::new());
        reading.spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let message = serde_json::from_str(&line).expect("a message in JSON");
                noted.send_modify(|messages: &mut Vec<Value>| messages.push(message));
            }
        });
        broker.hears("Sending SUBACK").await;
        Self {
            _daemon: daemon,
            _reading: reading,
            got,
        }
    }

    /// What it has got, once that is as it shall be.
    pub(crate) async fn gets(&self, what: &str, is_enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let mut got = self.got.clone();
        let enough = tokio::time::timeout(PATIENCE, got.wait_for(|messages| is_enough(messages))).await;
        let count = self.got.borrow().len();
        let messages = enough.unwrap_or_else(|_| panic!("never got {what}; {count} messages came"));
        messages.expect("a subscriber that runs").clone()
    }
}
