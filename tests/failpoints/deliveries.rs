//! The process ends before and behind every step that delivery makes durable: no event is lost, none
//! comes under two names, and a success is asked for again at most once.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::response::Response;
use futures_util::StreamExt as _;
use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use reqwest::Method;
use reqwest::RequestBuilder;
use serde_json::Value;
use serde_json::json;

use crate::support;
use crate::support::PATIENCE;
use crate::support::Received;
use crate::support::Server;
use crate::support::Sink;

/// The steps, and how often each is reached at least.
const STEPS: &[(&str, u64)] = &[
    ("progress", 3),
    ("retry", EVENTS),
    ("held", 1),
    ("letter", 2 * EVENTS),
    ("dead", 2 * EVENTS),
    ("route-state", 1),
    ("reply", EVENTS),
    ("job", 1),
    ("redriven", 1),
    ("dropped", 1),
];
/// Events of each kind.
const EVENTS: u64 = 12;
const KINDS: [&str; 6] = ["plain", "flaky", "keyed", "bad", "gone", "ask"];
/// Servers at work at the same time.
const AT_ONCE: usize = 4;

const RULES: &str = r#"
rules:
  - name: plain
    match: { type: [plain] }
    targets: [{ name: hook, webhook: { url: "URL" } }]
  - name: flaky
    match: { type: [flaky] }
    targets: [{ name: hook, webhook: { url: "URL" }, circuit: off, retry: { strategy: fixed, initial: 50ms } }]
  - name: keyed
    match: { type: [keyed] }
    targets:
      - name: hook
        webhook: { url: "URL" }
        order: key
        circuit: { failures: 1, open: 100ms }
        retry: { strategy: fixed, initial: 300ms, jitter: none }
  - name: bad
    match: { type: [bad] }
    targets: [{ name: hook, webhook: { url: "URL" } }]
  - name: gone
    match: { type: [gone] }
    targets: [{ name: hook, webhook: { url: "URL" } }]
  - name: ask
    match: { type: [ask] }
    targets: [{ name: hook, function: { http: { url: "URL", reply: route } } }]
"#;

/// One answer of the target.
#[derive(Debug)]
struct Answered {
    kind: String,
    n: u64,
    webhook_id: String,
    is_success: bool,
}

/// What the target was asked and answered, and whether it takes what it refused at first.
#[derive(Debug, Default)]
struct Book {
    answers: Mutex<Vec<Answered>>,
    is_mended: AtomicBool,
}

impl Book {
    fn answer(&self, request: &Received) -> Response {
        let event = request.json();
        let kind = event["type"].as_str().expect("a type").to_owned();
        let n = event["data"].as_u64().expect("a number");
        let mut answers = self.answers.lock().expect("no panic");
        let is_first = !answers.iter().any(|known| known.kind == kind && known.n == n);
        let status = match kind.as_str() {
            "flaky" if is_first => StatusCode::SERVICE_UNAVAILABLE,
            "keyed" if is_first && n == 0 => StatusCode::SERVICE_UNAVAILABLE,
            "bad" if !self.is_mended.load(Ordering::SeqCst) => StatusCode::BAD_REQUEST,
            "gone" => StatusCode::GONE,
            _ => StatusCode::OK,
        };
        answers.push(Answered {
            webhook_id: request.header("webhook-id"),
            is_success: status.is_success(),
            kind: kind.clone(),
            n,
        });
        if kind != "ask" {
            return status.into_response();
        }
        let reply = json!({
            "specversion": "1.0", "id": format!("answer-{}", answers.len()), "source": "/f",
            "type": "answer", "data": n,
        });
        (
            [("content-type", "application/cloudevents+json")],
            reply.to_string(),
        )
            .into_response()
    }

    /// The successes of one kind, in the order in which they were given.
    fn successes(&self, kind: &str) -> Vec<(u64, String)> {
        let answers = self.answers.lock().expect("no panic");
        let of_kind = answers
            .iter()
            .filter(|answer| answer.kind == kind && answer.is_success);
        of_kind
            .map(|answer| (answer.n, answer.webhook_id.clone()))
            .collect()
    }

    /// The names under which the deliveries of one kind came, by event.
    fn names(&self, kind: &str) -> BTreeMap<u64, BTreeSet<String>> {
        let answers = self.answers.lock().expect("no panic");
        let mut names: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
        for answer in answers.iter().filter(|answer| answer.kind == kind) {
            names
                .entry(answer.n)
                .or_default()
                .insert(answer.webhook_id.clone());
        }
        names
    }
}

/// A server that ends once, and starts again when it did.
struct World {
    server: Server,
    point: String,
    has_ended: bool,
}

impl World {
    async fn start(point: String, after: u64) -> Self {
        let skip = if after > 0 {
            format!("{after}*off->")
        } else {
            String::new()
        };
        let points = format!("{point}={skip}1*return(abort)");
        let flags = ["--egress-allow", "127.0.0.1/32"];
        let (server, is_ready) = Server::start_failing(&flags, ("FAILPOINTS", &points)).await;
        assert!(is_ready, "{point}: no delivery was made yet");
        Self {
            server,
            point,
            has_ended: false,
        }
    }

    /// Asks until the answer is a success that `looks` right, as a client that does not give up.
    async fn insist(
        &mut self,
        request: impl Fn(&Server) -> RequestBuilder,
        looks: impl Fn(&Value) -> bool,
    ) -> Value {
        let asking = async {
            let mut again = tokio::time::interval(std::time::Duration::from_millis(20));
            loop {
                again.tick().await;
                if let Ok(answer) = request(&self.server).send().await
                    && answer.status().is_success()
                    && let Ok(answer) = answer.json().await
                    && looks(&answer)
                {
                    return answer;
                }
                if self.server.has_ended() {
                    let said = self.server.has_said(&format!("failpoint {}", self.point)).await;
                    assert!(said && !self.has_ended, "{}: it ended of itself", self.point);
                    self.has_ended = true;
                    self.server.restart().await;
                }
            }
        };
        let answer = tokio::time::timeout(PATIENCE, asking).await;
        answer.unwrap_or_else(|_| panic!("{}: it never comes to rest", self.point))
    }

    async fn apply(&mut self, rules: &str) {
        let request = |server: &Server| {
            let request = server.request(Method::POST, "/v1/apply");
            request
                .header("content-type", "application/yaml")
                .body(rules.to_owned())
        };
        self.insist(request, |_| true).await;
    }

    async fn post(&mut self, path: &str, body: &Value) {
        let request = |server: &Server| server.request(Method::POST, path).json(body);
        self.insist(request, |_| true).await;
    }

    /// Waits until nothing is on its way, and those rules have so many dead letters.
    async fn at_rest(&mut self, dead: &[(&str, u64)]) {
        let looks = |routes: &Value| {
            let routes = routes["items"].as_array().expect("routes");
            let is_still = routes.iter().all(|route| {
                let open = ["backlog", "in_flight", "retrying"];
                open.iter().all(|count| route[*count] == 0)
            });
            let has = |(rule, count): &(&str, u64)| {
                let route = routes.iter().find(|route| route["rule"] == *rule);
                route.is_some_and(|route| route["dead"] == *count)
            };
            is_still && dead.iter().all(has)
        };
        self.insist(|server| server.request(Method::GET, "/v1/routes"), looks)
            .await;
    }
}

/// Everything that can become of a delivery becomes of some; the process ends once meanwhile.
async fn loses_nothing((point, after): (String, u64)) -> Option<String> {
    let book = Arc::new(Book::default());
    let asked = Arc::clone(&book);
    let sink = Sink::responding(move |request| asked.answer(request)).await;
    let mut world = World::start(point.clone(), after).await;
    world.apply(&RULES.replace("URL", &sink.url("/"))).await;
    for n in 0..EVENTS {
        for kind in KINDS {
            let mut event = support::event(&format!("{kind}-{n}"), kind, &json!(n));
            event["subject"] = json!("one key");
            world.post("/events", &event).await;
        }
    }
    world.at_rest(&[("bad", EVENTS), ("gone", EVENTS)]).await;
    book.is_mended.store(true, Ordering::SeqCst);
    world
        .post(
            "/v1/dead-letters/redrive",
            &json!({ "filter": { "rule": "bad" } }),
        )
        .await;
    world.at_rest(&[("bad", 0)]).await;
    let discard = json!({ "filter": { "rule": "gone" }, "reason": "it will not come back" });
    world.post("/v1/dead-letters/discard", &discard).await;
    world.at_rest(&[("bad", 0), ("gone", 0)]).await;
    for kind in ["plain", "flaky", "keyed", "bad", "ask"] {
        let successes = book.successes(kind);
        for n in 0..EVENTS {
            let times = successes.iter().filter(|(event, _)| *event == n).count();
            assert!((1..=2).contains(&times), "{point}: {kind} {n} came {times} times");
        }
    }
    for kind in KINDS {
        for (n, names) in book.names(kind) {
            assert_eq!(names.len(), 1, "{point}: {kind} {n} came as {names:?}");
        }
    }
    let mut in_order = Vec::new();
    for (n, _) in book.successes("keyed") {
        if !in_order.contains(&n) {
            in_order.push(n);
        }
    }
    assert!(in_order.is_sorted(), "{point}: {in_order:?}");
    let path = "/v1/buses/default/events?type=answer&limit=1000";
    let replies = world.server.get(path).await;
    let replies = replies["items"].as_array().expect("events").iter();
    let mut replies: Vec<_> = replies
        .map(|reply| reply["event"]["data"].as_u64().expect("a number"))
        .collect();
    replies.sort_unstable();
    let expected: Vec<_> = (0..EVENTS).collect();
    assert_eq!(replies, expected, "{point}: each question has one answer");
    (!world.has_ended).then_some(point)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ends_at_any_step_of_a_delivery_loses_nothing_and_repeats_little() {
    for seed in 0..super::seeds() {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut points = vec![("delivery::answered".to_owned(), rng.random_range(0..4 * EVENTS))];
        for (step, reached) in STEPS {
            for place in ["", "::done"] {
                points.push((format!("delivery::{step}{place}"), rng.random_range(0..*reached)));
            }
        }
        let missed: Vec<_> = futures_util::stream::iter(points.into_iter().map(loses_nothing))
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await;
        assert!(missed.is_empty(), "never reached: {missed:?}");
    }
}
