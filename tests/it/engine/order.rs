//! Events of one key, one at a time and in order.

use std::collections::BTreeMap;
use std::collections::HashMap;

use serde_json::json;

use super::route_when;
use crate::support::Answer;
use crate::support::Received;
use crate::support::Server;
use crate::support::Sink;
use crate::support::webhook_rule;

/// Publishes events whose data is `{key, n}`; the subject is the key.
async fn publish(server: &Server, numbers: std::ops::RangeInclusive<u64>, keys: u64) {
    for n in numbers {
        let key = format!("k{}", n % keys);
        let event = json!({
            "specversion": "1.0", "id": n.to_string(), "source": "/tests", "type": "t", "subject": key,
            "data": { "key": key, "n": n }
        });
        server.publish(&event).await;
    }
}

fn key_and_number(request: &Received) -> (String, u64) {
    let data = &request.json()["data"];
    (
        data["key"].as_str().unwrap().to_owned(),
        data["n"].as_u64().unwrap(),
    )
}

/// The numbers of each key in the order in which they came.
fn by_key(received: &[Received]) -> BTreeMap<String, Vec<u64>> {
    let mut by_key: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (key, n) in received.iter().map(key_and_number) {
        by_key.entry(key).or_default().push(n);
    }
    by_key
}

/// F38: a failing event holds back its key and no other.
#[tokio::test]
async fn f38_a_failing_event_delays_those_of_its_key_only_and_none_overtakes_it() {
    for key in ["", "key: subject", "key: $.data.key"] {
        let server = Server::start().await;
        let mut left = 5;
        let sink = Sink::answering(move |request| {
            let is_failing = key_and_number(request).1 == 4 && left > 0;
            left -= i32::from(is_failing);
            Answer::Status(if is_failing { 500 } else { 200 })
        })
        .await;
        let more = format!(
            "order: key\n        {key}\n        circuit: off\n        retry: {{ strategy: fixed, initial: 300ms, jitter: none }}"
        );
        server.apply(&webhook_rule("r", "t", &sink.url("/"), &more)).await;
        publish(&server, 1..=40, 4).await;
        let others = sink.wait_for(31).await;
        let failed = others
            .iter()
            .filter(|request| key_and_number(request).1 == 4)
            .count();
        assert!(failed <= 4, "the other keys waited for the failing one");
        server.settled(8, "held").await;
        route_when(&server, "all are delivered", |route| route["delivered"] == 40).await;
        let by_key = by_key(&sink.received());
        assert_eq!(by_key["k0"][..5], [4; 5]);
        assert_eq!(by_key["k0"][5..], [4, 8, 12, 16, 20, 24, 28, 32, 36, 40]);
        for key in ["k1", "k2", "k3"] {
            assert!(by_key[key].is_sorted() && by_key[key].len() == 10, "{by_key:?}");
        }
    }
}

/// F38: the lanes are there again before anything is sent.
#[tokio::test]
async fn f38_a_crash_does_not_let_anything_overtake() {
    let mut server = Server::start().await;
    let sink = Sink::answering(|request| {
        let (key, _) = key_and_number(request);
        Answer::Status(if key == "k0" { 500 } else { 200 })
    })
    .await;
    let more =
        "order: key\n        circuit: off\n        retry: { strategy: fixed, initial: 2s, jitter: none }";
    server.apply(&webhook_rule("r", "t", &sink.url("/"), more)).await;
    publish(&server, 1..=20, 2).await;
    route_when(&server, "one key is stuck", |route| {
        route["delivered"] == 10 && route["retrying"] == 1 && route["backlog"] == 9
    })
    .await;
    server.kill().await;
    server.restart().await;
    sink.answer(|_| Answer::Status(200));
    publish(&server, 21..=30, 2).await;
    route_when(&server, "all are delivered", |route| {
        route["retrying"] == 0 && route["backlog"] == 0
    })
    .await;
    let by_key = by_key(&sink.received());
    let mut seen = by_key["k0"].clone();
    seen.dedup();
    assert_eq!(seen, (1..=15).map(|n| 2 * n).collect::<Vec<_>>());
}

#[tokio::test]
async fn when_the_failing_event_dies_the_next_of_its_key_goes_and_events_without_a_key_never_wait() {
    let server = Server::start().await;
    let sink =
        Sink::answering(|request| Answer::Status(if request.json()["data"] == 1 { 400 } else { 200 })).await;
    server
        .apply(&webhook_rule("r", "t", &sink.url("/"), "order: key"))
        .await;
    for n in 1..=10 {
        let mut event =
            json!({ "specversion": "1.0", "id": n.to_string(), "source": "/tests", "type": "t", "data": n });
        if n % 2 == 1 {
            event["partitionkey"] = json!("same");
        }
        server.publish(&event).await;
    }
    route_when(&server, "all have ended", |route| {
        route["delivered"] == 9 && route["dead"] == 1
    })
    .await;
    let odd: Vec<u64> = sink
        .received()
        .iter()
        .map(|request| request.json()["data"].as_u64().unwrap())
        .collect();
    let odd: Vec<u64> = odd.into_iter().filter(|n| n % 2 == 1).collect();
    assert_eq!(odd, [1, 3, 5, 7, 9]);
}

#[tokio::test]
async fn order_can_be_asked_for_and_given_up_while_events_wait() {
    let server = Server::start().await;
    let sink = Sink::answering(|_| Answer::Status(500)).await;
    let rule = |order: &str, url: &str| {
        let more =
            format!("{order}\n        circuit: off\n        retry: {{ strategy: fixed, initial: 200ms }}");
        webhook_rule("r", "t", url, &more)
    };
    server.apply(&rule("order: key", &sink.url("/"))).await;
    publish(&server, 1..=30, 1).await;
    route_when(&server, "one waits", |route| {
        route["retrying"] == 1 && route["backlog"] == 29
    })
    .await;
    server.apply(&rule("order: none", &sink.url("/"))).await;
    route_when(&server, "all are tried", |route| route["retrying"] == 30).await;
    sink.answer(|_| Answer::Status(200));
    route_when(&server, "all are delivered", |route| route["delivered"] == 30).await;
    server.apply(&rule("order: key", &sink.url("/"))).await;
    publish(&server, 31..=40, 1).await;
    route_when(&server, "all are delivered", |route| route["delivered"] == 40).await;
    let count: HashMap<u64, usize> = sink.received().iter().fold(HashMap::new(), |mut count, request| {
        *count.entry(key_and_number(request).1).or_default() += 1;
        count
    });
    assert_eq!(count.len(), 40);
}
