//! What a function answers, and what becomes of it.

use serde_json::Value;
use serde_json::json;

use super::asking;
use super::types;
use crate::support::Evil;
use crate::support::Server;
use crate::support::Sink;
use crate::support::Step;
use crate::support::event;
use crate::support::webhook_rule;

/// An answer on a connection that ends with it.
fn answer(headers: &str, body: &str) -> Vec<Step> {
    let length = body.len();
    let text =
        format!("HTTP/1.1 200 OK\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
    vec![Step::Read, Step::write(text)]
}

fn event_json(id: &str, kind: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"{id}","source":"/f","type":"{kind}","data":{{"n": 1e400}}}}"#)
}

const BINARY: &str = "ce-specversion: 1.0\r\nce-id: r1\r\nce-source: /f\r\nce-type: answer\r\n\
                      ce-subject: %E2%82%AC\r\ncontent-type: application/json\r\n";
const STRUCTURED: &str = "content-type: application/cloudevents+json\r\n";
const BATCH: &str = "content-type: application/cloudevents-batch+json; charset=utf-8\r\n";

#[tokio::test]
async fn f44_a_reply_in_any_mode_is_published_and_routed() {
    let batch = format!("[{},{}]", event_json("r1", "answer"), event_json("r2", "answer"));
    let single = event_json("r1", "answer");
    for (headers, body, replies) in [
        (BINARY, r#"{"n": 1e400}"#, 1),
        (STRUCTURED, single.as_str(), 1),
        (BATCH, batch.as_str(), 2),
        (BATCH, "[]", 0),
    ] {
        let server = Server::start().await;
        let (function, sink) = (Evil::playing(answer(headers, body)).await, Sink::start().await);
        server.apply(&asking("ask", "ask", &function.url("/"), "")).await;
        server
            .apply(&webhook_rule("answers", "answer", &sink.url("/"), ""))
            .await;
        server.publish(&event("1", "ask", &json!({ "q": 1 }))).await;
        let fate = server.settled(1, "delivered").await;
        assert_eq!(fate["routes"][0]["attempts"][0]["class"], "ok", "{fate}");
        let got = sink.wait_for(replies).await;
        let mut ids: Vec<_> = got
            .iter()
            .map(|request| request.json()["id"].to_string())
            .collect();
        // Events of one route are delivered side by side: they come in any order.
        ids.sort_unstable();
        assert_eq!(ids, [r#""r1""#, r#""r2""#][..replies]);
        for request in &got {
            let event = String::from_utf8(request.body.to_vec()).unwrap();
            assert!(event.contains(r#""data":{"n": 1e400}"#), "{event}");
            assert_eq!(request.header("tramline-hops"), "1");
        }
        let call = function.seen().requests.remove(0);
        assert_eq!(call.header("prefer"), "reply");
        assert_eq!(call.header("tramline-hops"), "0");
        assert_eq!(
            call.header("content-type"),
            "application/cloudevents+json; charset=utf-8"
        );
        assert_eq!(types(&server, "default").await.len(), 1 + replies);
    }
}

#[tokio::test]
async fn replies_can_go_to_another_bus() {
    let server = Server::start().await;
    server.put("/v1/buses/answers", &json!({})).await;
    let function = Evil::playing(answer(STRUCTURED, &event_json("r1", "answer"))).await;
    server
        .apply(&asking("ask", "ask", &function.url("/"), ", bus: answers"))
        .await;
    server.publish(&event("1", "ask", &json!(1))).await;
    server.settled(1, "delivered").await;
    assert_eq!(types(&server, "answers").await, ["answer"]);
    assert_eq!(types(&server, "default").await, ["ask"]);
}

#[tokio::test]
async fn f44_what_is_no_event_and_what_nobody_wants_is_no_reply() {
    for (headers, body, reply) in [
        ("content-type: text/html\r\n", "OK", "route"),
        ("content-type: application/json\r\n", r#"{"id":"1"}"#, "route"),
        ("", "", "route"),
        (STRUCTURED, &event_json("r1", "answer"), "ignore"),
    ] {
        let server = Server::start().await;
        let function = Evil::playing(answer(headers, body)).await;
        let rule =
            asking("ask", "ask", &function.url("/"), "").replace("reply: route", &format!("reply: {reply}"));
        server.apply(&rule).await;
        server.publish(&event("1", "ask", &json!(1))).await;
        let fate = server.settled(1, "delivered").await;
        assert_eq!(
            fate["routes"][0]["attempts"].as_array().unwrap().len(),
            1,
            "{fate}"
        );
        assert_eq!(types(&server, "default").await, ["ask"], "{headers}");
        assert_eq!(server.get("/v1/dead-letters").await["items"], json!([]));
    }
}

/// The one dead letter of a call that succeeded, whose reply nobody can publish.
async fn invalid(server: &Server, function: &Evil) -> Value {
    server.publish(&event("1", "ask", &json!(1))).await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(letter["code"], "reply_invalid", "{letter}");
    assert_eq!(letter["event"]["id"], "1");
    let fate = server.settled(1, "delivered").await;
    let attempts = fate["routes"][0]["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 1, "{fate}");
    assert_eq!(
        (&attempts[0]["class"], &attempts[0]["status"]),
        (&json!("reply_invalid"), &json!(200))
    );
    let route = server.route("ask", "f").await;
    assert_eq!(
        (&route["retrying"], &route["delivered"]),
        (&json!(0), &json!(1)),
        "{route}"
    );
    assert_eq!(
        function.seen().requests.len(),
        1,
        "a function that ran is not called again"
    );
    assert_eq!(types(server, "default").await, ["ask"]);
    letter
}

#[tokio::test]
async fn f44_a_reply_that_is_no_event_is_a_dead_letter_beside_a_call_that_succeeded() {
    let large = format!("\"{}\"", "x".repeat(2 << 20));
    let many = format!("[{}]", vec![event_json("1", "answer"); 101].join(","));
    for (headers, body, why) in [
        ("ce-specversion: 1.0\r\nce-id: 1\r\n", "x", "missing-source"),
        (
            "ce-specversion: 0.3\r\nce-id: 1\r\n",
            "x",
            "unsupported-specversion",
        ),
        (
            &BINARY.replace("ce-id", "ce-Foo_bar"),
            "{}",
            "invalid-attribute-name",
        ),
        (BINARY, "{", "invalid-data"),
        (STRUCTURED, "{", "invalid-json"),
        (STRUCTURED, "", "invalid-json"),
        (STRUCTURED, &large, "larger than 1048576 bytes"),
        (BATCH, &many, "more than 100 events"),
        (
            BATCH,
            &format!("[{},7]", event_json("1", "answer")),
            "invalid-event",
        ),
        ("content-type: application/cloudevents+avro\r\n", "x", "only JSON"),
    ] {
        let server = Server::start().await;
        let function = Evil::playing(answer(headers, body)).await;
        server.apply(&asking("ask", "ask", &function.url("/"), "")).await;
        let letter = invalid(&server, &function).await;
        let reason = letter["reason"].as_str().unwrap();
        assert!(reason.contains(why), "{why}: {reason}");
    }
}

#[tokio::test]
async fn a_reply_to_a_bus_that_is_not_there_any_more_is_a_dead_letter_that_survives_a_restart() {
    let mut server = Server::start().await;
    let function = Evil::playing(answer(STRUCTURED, &event_json("r1", "answer"))).await;
    let rules = asking("ask", "ask", &function.url("/"), ", bus: nowhere");
    let request = server.request(reqwest::Method::POST, "/v1/apply");
    let request = request.header("content-type", "application/yaml");
    let (status, problem) = server.call(request.body(rules.clone())).await;
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("unknown-bus")),
        "{problem}"
    );
    assert_eq!(
        problem["errors"][0]["pointer"],
        "/rules/0/targets/0/function/http/bus"
    );
    server.put("/v1/buses/nowhere", &json!({})).await;
    server.apply(&rules).await;
    let (status, answer) = server.delete("/v1/buses/nowhere").await;
    assert_eq!(status, 204, "{answer}");
    let letter = invalid(&server, &function).await;
    assert!(
        letter["reason"].as_str().unwrap().contains("no bus `nowhere`"),
        "{letter}"
    );
    server.kill().await;
    server.restart().await;
    server.settled(1, "delivered").await;
    assert_eq!(server.dead_letters(1).await[0]["code"], "reply_invalid");
    assert_eq!(function.seen().requests.len(), 1);
}

#[tokio::test]
async fn a_reply_that_breaks_off_is_asked_for_again() {
    let server = Server::start().await;
    let cut = format!(
        "HTTP/1.1 200 OK\r\n{STRUCTURED}content-length: 500\r\n\r\n{}",
        event_json("r1", "answer")
    );
    let function = Evil::scripted("127.0.0.1:0", move |connection| match connection {
        1 => vec![Step::Read, Step::write(cut.clone())],
        _ => answer(STRUCTURED, &event_json("r2", "answer")),
    })
    .await;
    server.apply(&asking("ask", "ask", &function.url("/"), "")).await;
    server.publish(&event("1", "ask", &json!(1))).await;
    let fate = server.settled(1, "delivered").await;
    let attempts = fate["routes"][0]["attempts"].as_array().unwrap();
    let classes: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt["class"].as_str().unwrap())
        .collect();
    assert_eq!(classes, ["reply_error", "ok"], "{fate}");
    assert_eq!(types(&server, "default").await, ["ask", "answer"]);
}

#[tokio::test]
async fn a_bus_for_replies_that_are_not_routed_is_refused() {
    let server = Server::start().await;
    for (http, pointer, code) in [
        (
            json!({ "url": "http://127.0.0.1:1/", "bus": "default" }),
            "/bus",
            "invalid-value",
        ),
        (
            json!({ "url": "http://127.0.0.1:1/", "reply": "route", "bus": "system" }),
            "/bus",
            "reserved-bus",
        ),
        (
            json!({ "url": "http://127.0.0.1:1/", "reply": "require" }),
            "/reply",
            "invalid-value",
        ),
        (json!({ "url": "http://127.0.0.2:1/" }), "/url", "egress-denied"),
    ] {
        let rule =
            json!({ "match": { "type": ["t"] }, "targets": [{ "name": "f", "function": { "http": http } }] });
        let (status, problem) = server.put("/v1/buses/default/rules/r", &rule).await;
        assert_eq!((status, &problem["code"]), (422, &json!(code)), "{problem}");
        let place = format!("/targets/0/function/http{pointer}");
        assert_eq!(problem["errors"][0]["pointer"], place, "{problem}");
    }
}
