//! Bodies that are too large, too slow or too short (F30).

use super::BATCH;
use super::EVENT_BYTES;
use super::PLAIN;
use super::STRUCTURED;
use super::YAML;
use super::ask;
use super::case;
use super::chunked;
use super::event_of;
use super::head;
use super::publish;
use super::request;
use crate::support::Server;
use crate::support::event;
use crate::support::exchange;
use crate::support::exchange_and_end;
use serde_json::json;

#[tokio::test]
async fn bodies_over_the_limits_are_refused_so_that_ordinary_clients_see_it() {
    let server = Server::start().await;
    let over = event_of(EVENT_BYTES + 1);
    let large = vec![b'x'; 20 * EVENT_BYTES];
    let batch = format!("[{over}]");
    let unknown = request("POST /v1/buses/nowhere/events", &[STRUCTURED], &large);
    ask(
        &server,
        vec![
            case(
                "one byte over",
                publish(STRUCTURED, &over),
                413,
                "event-too-large",
            ),
            case(
                "one byte over, chunked",
                chunked("POST /events", STRUCTURED, over.as_bytes()),
                413,
                "event-too-large",
            ),
            case(
                "one byte over, plain",
                publish(PLAIN, &over),
                413,
                "event-too-large",
            ),
            case("batch over", publish(BATCH, &batch), 413, "batch-too-large"),
        ],
    )
    .await;
    // Reading 20 MiB away costs more than refusing them, so the time is not looked at here.
    for (bytes, status, code) in [
        (publish(STRUCTURED, &large), 413, "event-too-large"),
        (
            chunked("POST /events", STRUCTURED, &large),
            413,
            "event-too-large",
        ),
        (unknown, 404, "no-such-bus"),
        (request("POST /nowhere", &[], &large), 404, "not-found"),
        (request("PUT /events", &[], &large), 405, "method-not-allowed"),
        (
            request("POST /events", &[], &large),
            415,
            "unsupported-media-type",
        ),
        (
            request("POST /v1/apply?x=1", &[YAML], &large),
            400,
            "invalid-query",
        ),
        (
            request("POST /v1/apply", &[YAML], &vec![b'x'; 33 * EVENT_BYTES]),
            413,
            "body-too-large",
        ),
    ] {
        exchange(server.url(), &bytes).await.problem(status, code);
    }
    assert_eq!(server.last_sequence().await, 1);
    let fits = exchange(server.url(), &publish(STRUCTURED, event_of(EVENT_BYTES))).await;
    assert_eq!(fits.status, 202, "{fits:?}");
    let again = exchange(
        server.url(),
        &chunked("POST /events", STRUCTURED, event_of(EVENT_BYTES).as_bytes()),
    )
    .await;
    assert_eq!(
        (again.status, &again.json()["results"][0]["duplicate"]),
        (202, &json!(true))
    );
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_refused_without_its_body() {
    let server = Server::start().await;
    let length = format!("content-length: {}", 20 * EVENT_BYTES);
    let bytes = head("POST /events", &[STRUCTURED, &length, "expect: 100-continue"]);
    let reply = exchange(server.url(), &bytes).await;
    reply.problem(413, "event-too-large");
    assert!(reply.head.starts_with("HTTP/1.1 413"), "{}", reply.head);
}

#[tokio::test]
async fn bytes_behind_the_last_request_do_not_cost_its_answer() {
    let server = Server::start().await;
    let good = event("1", "t", &json!(1)).to_string();
    let mut bytes = request(
        "POST /events",
        &[STRUCTURED, "connection: close"],
        good.as_bytes(),
    );
    bytes.extend_from_slice(b"\r\n");
    let reply = exchange(server.url(), &bytes).await;
    assert_eq!(
        (reply.status, reply.header("connection")),
        (202, "close"),
        "{reply:?}"
    );
}

#[tokio::test]
async fn bodies_that_break_off_are_refused() {
    let server = Server::start().await;
    let good = event("1", "t", &json!(1)).to_string();
    let announced = format!("content-length: {}", good.len() + 1);
    let short = [
        head("POST /events", &[STRUCTURED, &announced]).as_slice(),
        good.as_bytes(),
    ]
    .concat();
    let reply = exchange_and_end(server.url(), &short).await;
    reply.problem(400, "incomplete-body");
    let broken = [
        head("POST /events", &[STRUCTURED, "transfer-encoding: chunked"]).as_slice(),
        b"zz\r\n",
    ]
    .concat();
    exchange(server.url(), &broken)
        .await
        .problem(400, "incomplete-body");
    assert_eq!(server.last_sequence().await, 0);
}

/// F30: the bound is on the whole body, not on the time between two bytes.
#[tokio::test]
async fn f30_a_body_that_does_not_come_is_given_up() {
    let server = Server::start().await;
    let bytes = head("POST /events", &[STRUCTURED, "content-length: 100"]);
    exchange(server.url(), &bytes).await.problem(408, "body-timeout");
    assert_eq!(server.last_sequence().await, 0);
}
