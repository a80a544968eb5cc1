//! The consent of targets, asked for before they are called.

use axum::http::Method;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::response::Response;
use serde_json::json;

use crate::support::Received;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::eventually;

fn rule(url: &str, handshake: &str) -> String {
    format!(
        "rules:\n  - name: r\n    match: {{ type: [t] }}\n    targets:\n      - name: hook\n        \
         webhook: {{ url: \"{url}\", handshake: {handshake} }}\n"
    )
}

/// A sink that takes every event, and answers questions for its consent like this, counted from 1.
async fn asked(mut answer: impl FnMut(usize) -> Response + Send + 'static) -> Sink {
    let mut count = 0;
    Sink::responding(move |request: &Received| {
        if request.method != Method::OPTIONS {
            return StatusCode::OK.into_response();
        }
        count += 1;
        answer(count)
    })
    .await
}

fn refusal() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [("allow", "POST")]).into_response()
}

fn consent(origin: &'static str) -> Response {
    // The status means nothing.
    let headers = [("webhook-allowed-origin", origin), ("webhook-allowed-rate", "*")];
    (StatusCode::NOT_FOUND, headers).into_response()
}

fn by_method(sink: &Sink, method: &Method) -> Vec<Received> {
    let received = sink.received();
    received
        .into_iter()
        .filter(|request| request.method == *method)
        .collect()
}

#[tokio::test]
async fn a_target_that_must_consent_is_held_until_it_has_also_after_a_restart() {
    let mut server = Server::start_with(&["--public-url", "https://bus.example.com/tramline"]).await;
    let sink = asked(|count| {
        if count < 3 {
            refusal()
        } else {
            consent("BUS.example.com")
        }
    })
    .await;
    server.apply(&rule(&sink.url("/hook?a=1"), "required")).await;
    server.publish(&event("1", "t", &json!(1))).await;
    let route = eventually("the route is held", async || {
        let route = server.route("r", "hook").await;
        (route["state"] == "held").then_some(route)
    })
    .await;
    assert_eq!(route["backlog"], 1, "{route}");
    assert!(route["reason"].as_str().unwrap().contains("consent"), "{route}");
    let fate = server.settled(1, "delivered").await;
    assert_eq!(
        fate["routes"][0]["attempts"].as_array().unwrap().len(),
        1,
        "{fate}"
    );
    let received = sink.received();
    let methods: Vec<_> = received.iter().map(|request| request.method.clone()).collect();
    assert_eq!(
        methods,
        [Method::OPTIONS, Method::OPTIONS, Method::OPTIONS, Method::POST]
    );
    for request in &received {
        assert_eq!(request.header("webhook-request-origin"), "bus.example.com");
        assert_eq!(request.path, "/hook?a=1");
    }
    assert_eq!(server.route("r", "hook").await["state"], "active");
    server.kill().await;
    server.restart().await;
    server.publish(&event("2", "t", &json!(2))).await;
    server.settled(2, "delivered").await;
    assert_eq!(by_method(&sink, &Method::OPTIONS).len(), 4);
}

#[tokio::test]
async fn a_target_that_may_consent_is_called_whatever_it_says() {
    let server = Server::start().await;
    let sink = asked(|_| refusal()).await;
    server.apply(&rule(&sink.url("/"), "optional")).await;
    server.publish(&event("1", "t", &json!(1))).await;
    let fate = server.settled(1, "delivered").await;
    assert_eq!(
        fate["routes"][0]["attempts"].as_array().unwrap().len(),
        1,
        "{fate}"
    );
    eventually("it was asked", async || {
        (!by_method(&sink, &Method::OPTIONS).is_empty()).then_some(())
    })
    .await;
    let call = by_method(&sink, &Method::POST).remove(0);
    assert_eq!(call.header("webhook-request-origin"), "localhost");
}

#[tokio::test]
async fn the_consent_for_another_origin_or_another_url_does_not_count() {
    let server = Server::start().await;
    let other = asked(|_| consent("other.example.com")).await;
    server.apply(&rule(&other.url("/"), "required")).await;
    server.publish(&event("1", "t", &json!(1))).await;
    eventually("it was asked twice", async || {
        (by_method(&other, &Method::OPTIONS).len() >= 2).then_some(())
    })
    .await;
    assert!(by_method(&other, &Method::POST).is_empty());
    // Another URL is another target, which is asked anew.
    let good = asked(|_| consent("*")).await;
    server.apply(&rule(&good.url("/"), "required")).await;
    server.settled(1, "delivered").await;
    assert_eq!(by_method(&good, &Method::OPTIONS).len(), 1);
    assert!(by_method(&other, &Method::POST).is_empty());
}

#[tokio::test]
async fn the_rate_that_a_target_grants_is_kept() {
    let server = Server::start().await;
    let sink = asked(|_| {
        let headers = [("webhook-allowed-origin", "*"), ("webhook-allowed-rate", "240")];
        (StatusCode::OK, headers).into_response()
    })
    .await;
    server.apply(&rule(&sink.url("/"), "required")).await;
    for n in 1..=5 {
        server.publish(&event(&n.to_string(), "t", &json!(n))).await;
    }
    let mut started = Vec::new();
    for sequence in 1..=5 {
        let fate = server.settled(sequence, "delivered").await;
        let at = fate["routes"][0]["attempts"][0]["at"]
            .as_str()
            .unwrap()
            .to_owned();
        started.push(
            chrono::DateTime::parse_from_rfc3339(&at)
                .unwrap()
                .timestamp_millis(),
        );
    }
    started.sort_unstable();
    let gaps: Vec<_> = started.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(
        gaps.iter().all(|gap| *gap >= 240),
        "240 a minute are one every 250 ms: {gaps:?}"
    );
}

#[tokio::test]
async fn without_a_handshake_nobody_is_asked() {
    let server = Server::start().await;
    let sink = Sink::start().await;
    server.apply(&rule(&sink.url("/"), "off")).await;
    server.publish(&event("1", "t", &json!(1))).await;
    server.settled(1, "delivered").await;
    let received = sink.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].header("webhook-request-origin"), "");
}

#[tokio::test]
async fn whoever_asks_may_publish_here() {
    let server = Server::start().await;
    for path in ["/events", "/v1/buses/default/events"] {
        let answer = server
            .request(Method::OPTIONS, path)
            .header("webhook-request-origin", "eventemitter.example.com")
            .header("webhook-request-rate", "120")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("webhook-allowed-origin"), "*");
        assert_eq!(header("webhook-allowed-rate"), "*");
        assert_eq!(header("allow"), "POST, OPTIONS");
    }
}
