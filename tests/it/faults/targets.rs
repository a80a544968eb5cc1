//! Targets that misbehave: what becomes of the event, and what of the others.

use std::net::IpAddr;
use std::net::ToSocketAddrs as _;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use crate::support::Answer;
use crate::support::Evil;
use crate::support::Server;
use crate::support::Sink;
use crate::support::Step;
use crate::support::event;
use crate::support::eventually;
use crate::support::webhook_rule;

/// Quick retries at a known distance.
const RETRY: &str = "retry: { strategy: fixed, initial: 50ms }";

/// The classes of the attempts of the first route of an event.
fn classes(fate: &Value) -> Vec<&str> {
    let attempts = fate["routes"][0]["attempts"].as_array().unwrap();
    attempts
        .iter()
        .map(|attempt| attempt["class"].as_str().unwrap())
        .collect()
}

/// F1: the status line decides; what hangs behind it costs the slot until the deadline, no more.
#[tokio::test]
async fn f01_a_body_that_hangs_behind_a_200_is_delivered_once_and_frees_its_slot() {
    let server = Server::start().await;
    let evil = Evil::playing([
        Step::Read,
        Step::write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart"),
        Step::Hang,
    ])
    .await;
    server
        .apply(&webhook_rule(
            "r",
            "t",
            &evil.url("/"),
            &format!("timeout: 1s\n        {RETRY}"),
        ))
        .await;
    server.publish(&event("1", "t", &json!(1))).await;
    evil.wait_for("the request", |seen| !seen.requests.is_empty())
        .await;
    let started = Instant::now();
    let route = eventually("the slot is free", async || {
        let route = server.route("r", "hook").await;
        (route["in_flight"] == 0).then_some(route)
    })
    .await;
    let took = started.elapsed();
    assert!(took < Duration::from_secs(2), "the slot was held for {took:?}");
    assert_eq!(
        (&route["retrying"], &route["delivered"], &route["backlog"]),
        (&json!(0), &json!(1), &json!(0))
    );
    let fate = server.settled(1, "delivered").await;
    assert_eq!(classes(&fate), ["ok"]);
    let seen = evil
        .wait_for("the connection is closed", |seen| seen.ended == 1)
        .await;
    assert_eq!((seen.connections, seen.requests.len()), (1, 1));
}

/// F2: silence is a timeout at the deadline, and nobody else's trouble.
#[tokio::test]
async fn f02_a_target_that_never_answers_times_out_and_is_tried_again_while_others_get_theirs() {
    let server = Server::start().await;
    let silent = Evil::playing([Step::Read, Step::Hang]).await;
    let good = Sink::start().await;
    server
        .apply(&webhook_rule(
            "silent",
            "t",
            &silent.url("/"),
            &format!("circuit: off\n        timeout: 1s\n        {RETRY}"),
        ))
        .await;
    server.apply(&webhook_rule("good", "t", &good.url("/"), "")).await;
    let started = Instant::now();
    for n in 1..=50 {
        server.publish(&event(&n.to_string(), "t", &json!(n))).await;
    }
    good.wait_for(50).await;
    let took = started.elapsed();
    let ended = silent.seen().ended;
    assert!(
        ended == 0 || took > Duration::from_secs(1),
        "the others waited for a timeout: {took:?}"
    );
    silent
        .wait_for("a second attempt of each", |seen| seen.requests.len() >= 64)
        .await;
    let fate = server.get("/v1/buses/default/events/1/deliveries").await;
    let routes = fate["routes"].as_array().unwrap();
    let attempts = routes.iter().find(|route| route["rule"] == "silent").unwrap()["attempts"].clone();
    assert_eq!(attempts[0]["class"], "timeout", "{fate}");
    let ms = attempts[0]["ms"].as_u64().unwrap();
    assert!(
        (1_000..1_500).contains(&ms),
        "the deadline was 1 s, the attempt took {ms} ms"
    );
}

/// F3: one deadline for the whole attempt; a byte now and then does not prolong it.
#[tokio::test]
async fn f03_a_target_that_drips_its_headers_is_held_to_the_same_deadline() {
    let server = Server::start().await;
    let evil = Evil::playing([
        Step::Read,
        Step::Drip(
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            Duration::from_millis(200),
        ),
    ])
    .await;
    server
        .apply(&webhook_rule(
            "r",
            "t",
            &evil.url("/"),
            "timeout: 1s\n        retry: { strategy: none }",
        ))
        .await;
    server.publish(&event("1", "t", &json!(1))).await;
    let letter = server.dead_letters(1).await.remove(0);
    let attempt = &letter["attempts"][0];
    assert_eq!(attempt["class"], "timeout", "{letter}");
    let ms = attempt["ms"].as_u64().unwrap();
    assert!(
        (1_000..1_500).contains(&ms),
        "the deadline was 1 s, the attempt took {ms} ms"
    );
}

/// F4: no answer at all may mean anything, so it is tried again as the same delivery.
#[tokio::test]
async fn f04_a_connection_closed_without_an_answer_is_tried_again_under_the_same_id_at_a_new_time() {
    for ending in [vec![Step::Read], vec![Step::Read, Step::Reset]] {
        let said = format!("{ending:?}");
        let server = Server::start().await;
        let evil = Evil::scripted("127.0.0.1:0", move |connection| {
            if connection == 1 {
                ending.clone()
            } else {
                vec![
                    Step::Read,
                    Step::write("HTTP/1.1 204 No Content\r\n\r\n"),
                    Step::Hang,
                ]
            }
        })
        .await;
        server
            .apply(&webhook_rule(
                "r",
                "t",
                &evil.url("/"),
                "retry: { strategy: fixed, initial: 1s, jitter: none }",
            ))
            .await;
        server.publish(&event("1", "t", &json!({ "n": 1 }))).await;
        let fate = server.settled(1, "delivered").await;
        assert_eq!(classes(&fate), ["protocol_error", "ok"], "{said}");
        let requests = evil.seen().requests;
        assert_eq!(requests.len(), 2);
        let of = |name: &str| [requests[0].header(name), requests[1].header(name)];
        let ids = of("webhook-id");
        assert!(ids[0].starts_with("msg_") && ids[0] == ids[1], "{ids:?}");
        let times = of("webhook-timestamp").map(|time| time.parse::<i64>().unwrap());
        assert!(times[1] > times[0], "{times:?}");
        assert_eq!(requests[0].body, requests[1].body);
    }
}

/// F5: of an answer only its beginning is read, however much there is of it and whatever it unpacks to.
#[tokio::test]
async fn f05_a_body_without_end_costs_no_memory() {
    const GIB: u64 = 1 << 30;
    let server = Server::start().await;
    let head = |more: &str| format!("HTTP/1.1 200 OK\r\n{more}content-length: {GIB}\r\n\r\n");
    let (plain, packed) = (head(""), head("content-encoding: gzip\r\n"));
    let evil = Evil::scripted("127.0.0.1:0", move |connection| {
        let head = if connection % 2 == 0 { &plain } else { &packed };
        vec![Step::Read, Step::write(head.clone()), Step::Flood(GIB)]
    })
    .await;
    server.apply(&webhook_rule("r", "t", &evil.url("/"), RETRY)).await;
    // What the first calls need once and for all is not counted.
    server.publish(&event("0", "t", &json!(0))).await;
    server.settled(1, "delivered").await;
    let before = server.memory();
    for n in 1..=40 {
        server.publish(&event(&n.to_string(), "t", &json!(n))).await;
    }
    for sequence in 2..=41 {
        let fate = server.settled(sequence, "delivered").await;
        assert_eq!(classes(&fate), ["ok"]);
    }
    let grown = server.memory().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes more for 40 answers");
    evil.wait_for("every connection is given up", |seen| seen.ended == 41)
        .await;
}

/// F6: whatever is no HTTP answer is a `protocol_error` to be tried again, and never a panic.
#[tokio::test]
async fn f06_an_answer_that_is_no_http_is_tried_again_until_one_is() {
    const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let headers = (0..10_000).fold(String::new(), |text, n| text + &format!("x-{n}: y\r\n"));
    let answers = [
        "HELLO\r\n\r\n".to_owned(),
        "HTTP/1.1 2OO OK\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{headers}\r\n"),
        "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(10_000) + GOOD,
        GOOD.to_owned(),
    ];
    let bad = answers.len() - 1;
    let server = Server::start().await;
    let evil = Evil::scripted("127.0.0.1:0", move |connection| {
        vec![
            Step::Read,
            Step::write(answers[connection - 1].clone()),
            Step::Hang,
        ]
    })
    .await;
    server.apply(&webhook_rule("r", "t", &evil.url("/"), RETRY)).await;
    server.publish(&event("1", "t", &json!(1))).await;
    let fate = server.settled(1, "delivered").await;
    let found = classes(&fate);
    assert_eq!(found[..bad], vec!["protocol_error"; bad], "{fate}");
    assert_eq!(found[bad..], ["ok"], "{fate}");
}

/// F7: a redirect would leave the guard, so it is not followed, and it will not change by itself.
#[tokio::test]
async fn f07_a_redirect_to_a_forbidden_address_is_not_followed_and_ends_as_a_dead_letter() {
    let server = Server::start().await;
    let forbidden = Evil::scripted("127.0.0.2:0", |_| Vec::new()).await;
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        forbidden.url("/")
    );
    let sink = Evil::playing([Step::Read, Step::write(answer)]).await;
    server.apply(&webhook_rule("r", "t", &sink.url("/"), RETRY)).await;
    server.publish(&event("1", "t", &json!(1))).await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(letter["code"], "redirect-not-followed", "{letter}");
    assert_eq!(letter["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(letter["attempts"][0]["status"], 307);
    assert_eq!(forbidden.seen().connections, 0);
    assert_eq!(sink.seen().requests.len(), 1);
}

/// F7: a forbidden address is refused where it is written down.
#[tokio::test]
async fn f07_a_webhook_to_a_forbidden_address_is_refused_when_it_is_applied() {
    let server = Server::start().await;
    let forbidden = Evil::scripted("127.0.0.2:0", |_| Vec::new()).await;
    let urls = [
        forbidden.url("/"),
        format!("http://[::ffff:127.0.0.2]:{}/", forbidden.port()),
        format!("http://2130706434:{}/", forbidden.port()),
        format!("http://0x7f.2:{}/", forbidden.port()),
        format!("http://[::1]:{}/", forbidden.port()),
        "http://169.254.169.254/latest/meta-data".to_owned(),
    ];
    for url in urls {
        let refused = server
            .request(reqwest::Method::POST, "/v1/apply")
            .header("content-type", "application/yaml")
            .body(webhook_rule("r", "t", &url, ""))
            .send()
            .await
            .unwrap();
        assert_eq!(refused.status(), 422, "{url}");
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(problem["code"], "egress-denied", "{url}: {problem}");
        assert_eq!(problem["errors"][0]["pointer"], "/rules/0/targets/0/webhook/url");
        assert_eq!(
            (&problem["errors"][0]["line"], &problem["errors"][0]["column"]),
            (&json!(6), &json!(25)),
            "{problem}"
        );
    }
    assert_eq!(server.get("/v1/buses/default/rules").await["items"], json!([]));
    assert_eq!(forbidden.seen().connections, 0);
}

/// F7, F15: a name is judged by what it resolves to at the moment of connecting.
#[tokio::test]
async fn f7_a_name_that_resolves_to_a_forbidden_address_ends_as_a_dead_letter_without_a_connection() {
    // Something is opened, or the name itself would be refused.
    let server = Server::start_guarded(&["--egress-allow", "127.9.9.9/32"]).await;
    let name = local_name();
    let listener = Evil::scripted("0.0.0.0:0", |_| Vec::new()).await;
    let url = format!("http://{name}:{}/", listener.port());
    server.apply(&webhook_rule("r", "t", &url, RETRY)).await;
    server.publish(&event("1", "t", &json!(1))).await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(letter["code"], "egress-blocked", "{letter}");
    assert_eq!(letter["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(listener.seen().connections, 0);
}

/// A name that is not `localhost` and resolves to an address of this machine.
fn local_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let candidates = [host.trim(), "ip6-localhost", "ip6-loopback"];
    let is_local = |name: &&str| {
        let addresses = (*name, 0).to_socket_addrs().into_iter().flatten();
        let is_internal = |address: IpAddr| match address {
            IpAddr::V4(address) => address.is_loopback() || address.is_private(),
            IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
        };
        addresses.into_iter().any(|address| is_internal(address.ip()))
    };
    let found = candidates
        .into_iter()
        .filter(|name| !name.is_empty())
        .find(is_local);
    found.expect("the machine resolves its own name").to_owned()
}

/// F11: some refusals are about this event, and repeating it would not change it.
#[tokio::test]
async fn f11_a_refusal_of_the_event_itself_is_not_repeated() {
    let server = Server::start().await;
    let refusals = [400, 405, 406, 411, 413, 414, 415, 422, 431, 451, 505];
    let sink = Sink::answering(|request| Answer::Status(request.path[1..].parse().unwrap())).await;
    for status in refusals {
        let name = format!("r{status}");
        server
            .apply(&webhook_rule(&name, "t", &sink.url(&format!("/{status}")), RETRY))
            .await;
    }
    server.publish(&event("1", "t", &json!(1))).await;
    for letter in server.dead_letters(refusals.len()).await {
        let status = letter["attempts"][0]["status"].as_u64().unwrap();
        assert_eq!(letter["code"], format!("rejected-{status}"), "{letter}");
        assert_eq!(letter["rule"], format!("r{status}"));
        assert_eq!(letter["attempts"].as_array().unwrap().len(), 1, "{letter}");
    }
    assert_eq!(sink.received().len(), refusals.len());
}
