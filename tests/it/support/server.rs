//! The real binary, started on a free port and a directory of its own.

use std::path::Path;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::RequestBuilder;
use reqwest::Response;
use reqwest::StatusCode;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncBufReadExt as _;
use tokio::io::BufReader;
use tokio::process::Child;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Dns;
use super::PATIENCE;
use super::eventually;

/// What stands before the binary, and a variable that it gets.
type Launch<'a> = (Vec<String>, Option<(&'a str, &'a str)>);

const BINARY: &str = env!("CARGO_BIN_EXE_tramline");

/// A running server. Killed when dropped; its data lives as long as this value.
pub(crate) struct Server {
    child: Child,
    url: String,
    dir: Arc<TempDir>,
    /// What stands before the binary: a command that runs it.
    wrapper: Vec<String>,
    args: Vec<String>,
    http: reqwest::Client,
    /// Reads what the server says, so that it never blocks on a full pipe.
    talk: JoinSet<()>,
    said: watch::Receiver<Vec<String>>,
    /// What it said until it was ready.
    announced: Vec<String>,
}

impl Server {
    /// A server with small segments, whose targets may be on 127.0.0.1 only.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with more flags.
    pub(crate) async fn start_with(flags: &[&str]) -> Self {
        Self::start_guarded(&[&["--egress-allow", "127.0.0.1/32"], flags].concat()).await
    }

    /// A server that allows its targets only the addresses that the flags open.
    pub(crate) async fn start_guarded(flags: &[&str]) -> Self {
        let mut server = Self::spawn("127.0.0.1:0", flags);
        server.ready().await;
        server
    }

    /// A server whose system resolves names with this DNS server alone.
    pub(crate) async fn start_resolving(dns: &Dns, flags: &[&str]) -> Self {
        let mut server = Self::spawn_in(fresh_dir(), "127.0.0.1:0", flags, (dns.wrapper(), None));
        server.ready().await;
        server
    }

    /// The same as [`start_with`](Self::start_with) with an environment variable.
    pub(crate) async fn start_in_environment(variable: (&str, &str), flags: &[&str]) -> Self {
        let flags = [&["--egress-allow", "127.0.0.1/32"], flags].concat();
        let mut server = Self::spawn_in(fresh_dir(), "127.0.0.1:0", &flags, (Vec::new(), Some(variable)));
        server.ready().await;
        server
    }

    /// A server that will not get ready, as soon as it answers at all.
    pub(crate) async fn start_unready(flags: &[&str]) -> Self {
        // It says where it is only when it is ready, so the address is chosen here.
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("a free port").to_string();
        let mut server = Self::spawn(&address, flags);
        server.url = format!("http://{address}");
        eventually("the server answers", async || {
            server.request(Method::GET, "/livez").send().await.ok()
        })
        .await;
        server
    }

    /// A server whose data is in a directory on another file system.
    pub(crate) async fn start_in(dir: TempDir, flags: &[&str]) -> Self {
        let mut server = Self::spawn_in(dir, "127.0.0.1:0", flags, Launch::default());
        server.ready().await;
        server
    }

    /// A server that is told to fail by this variable, and whether it got ready nevertheless.
    #[cfg(feature = "failpoints")]
    pub(crate) async fn start_failing(flags: &[&str], variable: (&str, &str)) -> (Self, bool) {
        let mut server = Self::spawn_in(fresh_dir(), "127.0.0.1:0", flags, (Vec::new(), Some(variable)));
        let is_ready = server.becomes_ready().await;
        (server, is_ready)
    }

    fn spawn(listen: &str, flags: &[&str]) -> Self {
        Self::spawn_in(fresh_dir(), listen, flags, Launch::default())
    }

    fn spawn_in(dir: TempDir, listen: &str, flags: &[&str], (wrapper, variable): Launch<'_>) -> Self {
        let dir = Arc::new(dir);
        let args = arguments(listen, flags);
        let child = launch(dir.path(), (&wrapper, &args), variable);
        // Done once by whoever comes first; the others find it done.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self {
            child,
            url: String::new(),
            dir,
            wrapper,
            args,
            http,
            talk: JoinSet::new(),
            said: watch::Sender::default().subscribe(),
            announced: Vec::new(),
        }
    }

    /// Waits until the server says that it is ready, and learns where it is.
    async fn ready(&mut self) {
        let is_ready = self.becomes_ready().await;
        assert!(is_ready, "it does not get ready:\n{}", self.announced.join("\n"));
    }

    /// Waits until the server says that it is ready or has said all it ever will.
    async fn becomes_ready(&mut self) -> bool {
        let mut lines = BufReader::new(self.child.stderr.take().expect("stderr")).lines();
        let mut said = Vec::new();
        let ready = async {
            while let Some(line) = lines.next_line().await.expect("text") {
                let is_ready = line.starts_with("Ready in ");
                said.push(line);
                if is_ready {
                    return true;
                }
            }
            false
        };
        let is_ready = tokio::time::timeout(PATIENCE, ready)
            .await
            .expect("the server gets ready");
        self.announced = said;
        if !is_ready {
            return false;
        }
        let said = &self.announced;
        let address = said
            .iter()
            .find_map(|line| line.strip_prefix("tramline ")?.split_once(" on "))
            .map(|(_, url)| url);
        let address = address.unwrap_or_else(|| panic!("no address:\n{}", said.join("\n")));
        address.clone_into(&mut self.url);
        let heard = watch::Sender::new(Vec::new());
        self.said = heard.subscribe();
        self.talk = JoinSet::new();
        self.talk.spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                eprintln!("server: {line}");
                heard.send_modify(|lines| lines.push(line));
            }
        });
        true
    }

    /// Whether it has ever said this; the process has ended.
    #[cfg(feature = "failpoints")]
    pub(crate) async fn has_said(&mut self, part: &str) -> bool {
        while self.talk.join_next().await.is_some() {}
        let said = self.said.borrow();
        let mut lines = self.announced.iter().chain(said.iter());
        lines.any(|line| line.contains(part))
    }

    /// Whether the process has ended.
    #[cfg(feature = "failpoints")]
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a process").is_some()
    }

    /// Ends the process as a power cut would end it, as far as the process can tell.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.expect("a process to kill");
    }

    /// Starts again on the same data.
    pub(crate) async fn restart(&mut self) {
        self.child = launch(self.dir.path(), (&self.wrapper, &self.args), None);
        self.ready().await;
    }

    /// Starts again on the same data, with these flags and no others.
    pub(crate) async fn restart_with(&mut self, flags: &[&str]) {
        self.args = arguments("127.0.0.1:0", flags);
        self.restart().await;
    }

    /// The first line of its log, since it is ready, with this text; waits for it.
    pub(crate) async fn hears(&self, part: &str) -> String {
        let mut said = self.said.clone();
        let find = |lines: &Vec<String>| lines.iter().find(|line| line.contains(part)).cloned();
        let lines = tokio::time::timeout(PATIENCE, said.wait_for(|lines| find(lines).is_some())).await;
        let lines = lines.unwrap_or_else(|_| panic!("the server never says `{part}`"));
        find(&lines.expect("a server that runs")).expect("the line")
    }

    /// Every line that it has said; the process has ended.
    pub(crate) async fn everything_said(&mut self) -> Vec<String> {
        while self.talk.join_next().await.is_some() {}
        let said = self.said.borrow();
        self.announced.iter().chain(said.iter()).cloned().collect()
    }

    /// Asks the process to stop, and gives how it ended.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        self.terminate().await;
        self.ended().await
    }

    /// Asks the process to stop.
    pub(crate) async fn terminate(&self) {
        let id = self.pid().to_string();
        let signal = Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .await
            .expect("kill");
        assert!(signal.success());
    }

    /// How the process ended, once it has.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .expect("the process ends")
            .expect("a status")
    }

    /// Where the server is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The id of the process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("a running process")
    }

    /// Processor time that the threads of the process have used so far.
    pub(crate) fn cpu_time(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid())).expect("a Linux system");
        let used = tasks.map(|task| {
            // A thread that ends while we look has used nothing worth counting.
            let path = task.expect("a thread").path().join("schedstat");
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let nanoseconds = text.split(' ').next().and_then(|field| field.parse().ok());
            Duration::from_nanos(nanoseconds.unwrap_or_default())
        });
        let used: Duration = used.sum();
        assert!(used > Duration::ZERO, "this system does not account for time");
        used
    }

    /// Bytes of memory that the process holds.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a Linux system");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kibibytes.expect("a size") * 1024
    }

    /// Where its data is.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A client of its own for another task.
    pub(crate) fn client(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// The data directory, as the command line takes it.
    pub(crate) fn data_dir(&self) -> String {
        self.dir().join("data").display().to_string()
    }

    /// A request to a path of the server.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// The JSON at a path; the answer must be a success.
    pub(crate) async fn get(&self, path: &str) -> Value {
        success(self.request(Method::GET, path).send().await.expect("an answer")).await
    }

    /// Posts JSON; the answer must be a success.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        success(
            self.request(Method::POST, path)
                .json(body)
                .send()
                .await
                .expect("an answer"),
        )
        .await
    }

    /// Puts JSON; gives the status and the answer.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        self.call(self.request(Method::PUT, path).json(body)).await
    }

    /// Deletes; gives the status and the answer.
    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        self.call(self.request(Method::DELETE, path)).await
    }

    /// Sends a request; gives the status and the answer, whatever it is.
    pub(crate) async fn call(&self, request: RequestBuilder) -> (u16, Value) {
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// Publishes one event in structured mode; gives its result.
    pub(crate) async fn publish(&self, event: &Value) -> Value {
        self.publish_to("default", event).await
    }

    /// Publishes one event to a bus.
    pub(crate) async fn publish_to(&self, bus: &str, event: &Value) -> Value {
        let request = self
            .request(Method::POST, &format!("/v1/buses/{bus}/events"))
            .header("content-type", "application/cloudevents+json")
            .body(event.to_string());
        let reply = success(request.send().await.expect("an answer")).await;
        reply["results"][0].clone()
    }

    /// Applies a rules file in YAML; gives the plan.
    pub(crate) async fn apply(&self, yaml: &str) -> Value {
        let request = self
            .request(Method::POST, "/v1/apply")
            .header("content-type", "application/yaml")
            .body(yaml.to_owned());
        success(request.send().await.expect("an answer")).await
    }

    /// The last sequence given on the bus `default`, 0 when nothing is stored.
    pub(crate) async fn last_sequence(&self) -> u64 {
        let bus = self.get("/v1/buses/default").await;
        bus["last_sequence"].as_u64().expect("a number")
    }

    /// What became of an event, once all its routes are in the state given.
    pub(crate) async fn settled(&self, sequence: u64, state: &str) -> Value {
        eventually(&format!("event {sequence} is {state}"), async || {
            let fate = self
                .get(&format!("/v1/buses/default/events/{sequence}/deliveries"))
                .await;
            let routes = fate["routes"].as_array().expect("routes");
            let is_there = !routes.is_empty() && routes.iter().all(|route| route["state"] == state);
            is_there.then_some(fate)
        })
        .await
    }

    /// The open dead letters, once there are so many.
    pub(crate) async fn dead_letters(&self, count: usize) -> Vec<Value> {
        eventually(&format!("{count} dead letters"), async || {
            let list = self.get("/v1/dead-letters").await;
            let items = list["items"].as_array().expect("items").clone();
            (items.len() >= count).then_some(items)
        })
        .await
    }

    /// One route of the bus `default`.
    pub(crate) async fn route(&self, rule: &str, target: &str) -> Value {
        self.get(&format!("/v1/routes/{rule}/{target}")).await
    }
}

/// The JSON of a successful answer.
async fn success(response: Response) -> Value {
    let status = response.status();
    let text = response.text().await.expect("a body");
    assert!(status.is_success(), "{status}: {text}");
    if status == StatusCode::NO_CONTENT {
        return Value::Null;
    }
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn fresh_dir() -> TempDir {
    TempDir::new().expect("a directory")
}

/// The arguments of a server with small segments.
fn arguments(listen: &str, flags: &[&str]) -> Vec<String> {
    let mut args: Vec<String> = ["--listen", listen].map(str::to_owned).into();
    args.extend(flags.iter().map(|arg| (*arg).to_owned()));
    if !flags.contains(&"--segment-size") {
        args.extend(["--segment-size", "8388608", "--max-batch-bytes", "1048576"].map(str::to_owned));
    }
    args
}

fn launch(dir: &Path, (wrapper, args): (&[String], &[String]), variable: Option<(&str, &str)>) -> Child {
    let mut words = wrapper.iter().map(String::as_str).chain([BINARY]);
    Command::new(words.next().expect("the binary at least"))
        .args(words)
        .arg("serve")
        .arg("--data-dir")
        .arg(dir.join("data"))
        .args(args)
        .envs(variable)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary starts")
}
