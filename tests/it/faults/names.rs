//! F15: names that do not resolve, resolve late, to too much, or to what may not be called. The
//! binary runs with a DNS server of the test's own as the only one of its system.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::support::Dns;
use crate::support::DnsAnswer;
use crate::support::Evil;
use crate::support::Server;
use crate::support::Step;
use crate::support::event;
use crate::support::eventually;
use crate::support::webhook_rule;

const NAME: &str = "hook.target.test";
const OPEN: Ipv4Addr = Ipv4Addr::LOCALHOST;
const FORBIDDEN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const ALLOW: &[&str] = &["--egress-allow", "127.0.0.1/32"];
const RETRY: &str = "retry: { strategy: fixed, initial: 50ms }";

/// A target at every address of this machine that takes each event over a connection of its own.
async fn target() -> Evil {
    Evil::scripted("0.0.0.0:0", |_| answering("200 OK")).await
}

fn answering(status: &str) -> Vec<Step> {
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    vec![Step::Read, Step::write(answer)]
}

/// Publishes one event to a webhook at the name.
async fn publish(server: &Server, port: u16, more: &str) {
    let url = format!("http://{NAME}:{port}/");
    server.apply(&webhook_rule("r", "t", &url, more)).await;
    server.publish(&event("1", "t", &json!(1))).await;
}

fn attempts(fate: &Value) -> &Vec<Value> {
    fate["routes"][0]["attempts"].as_array().unwrap()
}

fn classes(attempts: &[Value]) -> Vec<&str> {
    attempts
        .iter()
        .map(|attempt| attempt["class"].as_str().unwrap())
        .collect()
}

/// Delivers once lookups do not end like this any more; gives the attempts, of which the last is it.
async fn delivered_after(fault: DnsAnswer) -> Vec<Value> {
    let target = target().await;
    let dns = Dns::answering(move |_| fault.clone()).await;
    let server = Server::start_resolving(&dns, ALLOW).await;
    publish(&server, target.port(), RETRY).await;
    eventually("an attempt has failed", async || {
        let fate = server.get("/v1/buses/default/events/1/deliveries").await;
        (!attempts(&fate).is_empty()).then_some(())
    })
    .await;
    dns.answer(&[OPEN]);
    let fate = server.settled(1, "delivered").await;
    assert_eq!(target.seen().connections, 1);
    let host = format!("{NAME}:{}", target.port());
    assert_eq!(target.seen().requests[0].header("host"), host);
    attempts(&fate).clone()
}

/// All attempts but the last could not resolve the name.
fn assert_unresolved(attempts: &[Value], what: &str) {
    let (last, failed) = attempts.split_last().unwrap();
    assert_eq!(last["class"], "ok", "{what}: {last}");
    assert!(!failed.is_empty(), "{what}");
    for attempt in failed {
        assert_eq!(attempt["class"], "dns_error", "{what}: {attempt}");
        let phases = attempt["phases"].as_object().unwrap();
        assert_eq!(phases.keys().collect::<Vec<_>>(), ["dns"], "{what}: {attempt}");
    }
}

#[tokio::test]
async fn f15_a_name_that_has_no_address_or_no_answer_is_tried_again() {
    const SERVFAIL: u8 = 2;
    const NXDOMAIN: u8 = 3;
    for fault in [
        DnsAnswer::Error(NXDOMAIN),
        DnsAnswer::Error(SERVFAIL),
        DnsAnswer::Addresses(Vec::new()),
        DnsAnswer::Loop("other.target.test"),
    ] {
        let said = format!("{fault:?}");
        let attempts = delivered_after(fault).await;
        assert_unresolved(&attempts, &said);
        assert!(attempts[0]["ms"].as_u64().unwrap() < 5_000, "{said}");
    }
}

#[tokio::test]
async fn f15_a_resolver_that_takes_five_seconds_is_given_up() {
    let attempts = delivered_after(DnsAnswer::Late(Duration::from_secs(6), vec![OPEN])).await;
    assert_unresolved(&attempts, "late");
    let ms = attempts[0]["ms"].as_u64().unwrap();
    assert!((5_000..5_900).contains(&ms), "{ms}");
}

#[tokio::test]
async fn f15_a_late_resolver_does_not_prolong_the_deadline_of_an_attempt() {
    let target = target().await;
    let dns = Dns::answering(|_| DnsAnswer::Late(Duration::from_secs(5), vec![OPEN])).await;
    let server = Server::start_resolving(&dns, ALLOW).await;
    let once = "timeout: 500ms\n        retry: { strategy: none }";
    publish(&server, target.port(), once).await;
    let letter = server.dead_letters(1).await.remove(0);
    let attempt = &letter["attempts"][0];
    assert_eq!(attempt["class"], "timeout", "{letter}");
    let ms = attempt["ms"].as_u64().unwrap();
    assert!((500..1_500).contains(&ms), "{letter}");
    assert_eq!(target.seen().connections, 0);
}

/// So many do not fit a datagram: the resolver asks again over TCP.
#[tokio::test]
async fn f15_of_200_addresses_each_is_judged_and_one_is_enough() {
    let many = |last: Ipv4Addr| {
        let others = (1..200).map(|n| Ipv4Addr::new(127, 77, 0, n));
        DnsAnswer::Addresses(others.chain([last]).collect())
    };
    let target = target().await;
    let allow = [
        "--egress-allow",
        "127.77.0.0/24",
        "--egress-allow",
        "127.0.0.1/32",
    ];
    let dns = Dns::answering(move |_| many(OPEN)).await;
    let server = Server::start_resolving(&dns, &allow).await;
    publish(&server, target.port(), RETRY).await;
    server.settled(1, "delivered").await;
    assert_eq!(target.seen().connections, 1);
    assert!(dns.connections() >= 1, "they do not fit a datagram");

    let dns = Dns::answering(move |_| many(FORBIDDEN)).await;
    let server = Server::start_resolving(&dns, &allow).await;
    publish(&server, target.port(), RETRY).await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(letter["code"], "egress-blocked", "{letter}");
    assert_eq!(target.seen().connections, 1, "not one more");
}

/// The first answer is permitted, the second is not: each attempt connects to what it has judged.
#[tokio::test]
async fn f15_a_name_that_turns_to_a_forbidden_address_is_not_followed_there() {
    let forbidden = Evil::scripted("127.0.0.2:0", |_| answering("200 OK")).await;
    let address = format!("127.0.0.1:{}", forbidden.port());
    let open = Evil::scripted(&address, |_| answering("500 Oops")).await;
    let dns =
        Dns::answering(|question| DnsAnswer::Addresses(vec![if question == 1 { OPEN } else { FORBIDDEN }]))
            .await;
    let server = Server::start_resolving(&dns, ALLOW).await;
    publish(&server, open.port(), RETRY).await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(letter["code"], "egress-blocked", "{letter}");
    let attempts = letter["attempts"].as_array().unwrap();
    assert_eq!(classes(attempts), ["http_500", "egress_blocked"], "{letter}");
    assert_eq!((open.seen().connections, forbidden.seen().connections), (1, 0));
}

#[tokio::test]
async fn f15_one_forbidden_address_beside_a_permitted_one_condemns_the_name() {
    let target = target().await;
    let dns = Dns::answering(|_| DnsAnswer::Addresses(vec![OPEN, FORBIDDEN])).await;
    let server = Server::start_resolving(&dns, ALLOW).await;
    publish(&server, target.port(), RETRY).await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(letter["code"], "egress-blocked", "{letter}");
    assert_eq!(target.seen().connections, 0);
}

/// A name of one's own network is refused when it is written if nothing is opened, and reaches what
/// is opened.
#[tokio::test]
async fn f16_internal_names_reach_opened_addresses_only() {
    let target = target().await;
    let dns = Dns::answering(|_| DnsAnswer::Addresses(vec![OPEN])).await;
    let names = ["crm", "crm.internal", "crm.local", "crm.internal."];
    let strict = Server::start_resolving(&dns, &[]).await;
    for name in names.iter().chain(&["localhost", "app.localhost", "localhost."]) {
        let url = format!("http://{name}:{}/", target.port());
        let request = strict.request(reqwest::Method::POST, "/v1/apply");
        let request = request.header("content-type", "application/yaml");
        let (status, problem) = strict.call(request.body(webhook_rule("r", "t", &url, ""))).await;
        assert_eq!(
            (status, &problem["code"]),
            (422, &json!("egress-denied")),
            "{name}: {problem}"
        );
    }
    assert_eq!(dns.asked(), 0, "a refused name is not even looked up");
    let server = Server::start_resolving(&dns, ALLOW).await;
    for (n, name) in names.iter().enumerate() {
        let url = format!("http://{name}:{}/", target.port());
        server.apply(&webhook_rule("r", "t", &url, RETRY)).await;
        let published = server.publish(&event(&n.to_string(), "t", &json!(n))).await;
        server
            .settled(published["sequence"].as_u64().unwrap(), "delivered")
            .await;
    }
}
