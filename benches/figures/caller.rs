//! The bare loop: what the HTTP client alone does on this machine.
//!
//! So many tasks that post one body over and over, in a process of its own, over the client that
//! the server's own calls are built on. Nothing is read, decided, signed or recorded.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use http_body_util::BodyExt as _;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::process::Command;
use tokio::task::JoinSet;

use super::options::CALLER;
use super::payload;
use super::statistics::rate;

/// What the loop is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    /// Whom to call.
    pub(crate) address: SocketAddr,
    /// Calls in flight.
    pub(crate) concurrency: usize,
    /// Time in which nothing is counted.
    pub(crate) warm_up: Duration,
    /// Time in which calls are counted.
    pub(crate) time: Duration,
}

impl Order {
    /// Carries the order out in a process of its own; calls a second.
    pub(crate) async fn carry_out(self) -> f64 {
        let program = std::env::current_exe().expect("this program");
        let output = Command::new(program)
            .arg(CALLER)
            .args([self.address.to_string(), self.concurrency.to_string()])
            .args([self.warm_up, self.time].map(|time| time.as_millis().to_string()))
            .stderr(Stdio::inherit())
            .output()
            .await
            .expect("the loop runs");
        let text = String::from_utf8(output.stdout).expect("text");
        text.trim().parse().expect("calls a second")
    }

    /// The order that this process was started with.
    pub(crate) fn of_arguments() -> Self {
        let mut args = std::env::args().skip_while(|arg| arg != CALLER).skip(1);
        let mut next = || args.next().expect("an argument");
        Self {
            address: next().parse().expect("an address"),
            concurrency: next().parse().expect("a count"),
            warm_up: Duration::from_millis(next().parse().expect("a time")),
            time: Duration::from_millis(next().parse().expect("a time")),
        }
    }

    /// Calls, then prints how many calls a second were answered.
    pub(crate) async fn run(self) {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(self.concurrency)
            .build(connector);
        let from = Instant::now() + self.warm_up;
        let mut tasks = JoinSet::new();
        for _ in 0..self.concurrency {
            tasks.spawn(call(client.clone(), self.address, from, from + self.time));
        }
        let calls = tasks.join_all().await.into_iter().sum();
        println!("{}", rate(calls, self.time));
    }
}

async fn call(
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    from: Instant,
    until: Instant,
) -> u64 {
    let (url, body) = (format!("http://{address}/"), Bytes::from(payload::event()));
    let mut calls = 0;
    loop {
        let request = Request::post(&url)
            .header(CONTENT_TYPE, "application/cloudevents+json; charset=utf-8")
            .body(Full::new(body.clone()))
            .expect("a request");
        let answer = client.request(request).await.expect("an answer");
        assert!(answer.status().is_success(), "refused");
        answer.into_body().collect().await.expect("its body");
        let answered = Instant::now();
        if answered >= until {
            return calls;
        }
        calls += u64::from(answered >= from);
    }
}
