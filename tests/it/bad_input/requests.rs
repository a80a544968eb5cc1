//! Requests to nowhere, of a wrong kind, or from somebody else.

use super::PLAIN;
use super::STRUCTURED;
use super::ask;
use super::case;
use super::request;
use crate::support::Server;
use crate::support::event;
use serde_json::json;

#[tokio::test]
async fn requests_to_nowhere_are_problems() {
    let server = Server::start().await;
    let good = event("1", "t", &json!(1)).to_string();
    let post = |line: &str| request(line, &[STRUCTURED], good.as_bytes());
    let get = |path: &str| request(&format!("GET {path}"), &[], b"");
    let bad_name = request("PUT /v1/buses/a%20b", &[PLAIN], b"{}");
    let cases = [
        (
            "unknown bus",
            post("POST /v1/buses/nowhere/events"),
            404,
            "no-such-bus",
        ),
        ("unknown path", post("POST /v2/events"), 404, "not-found"),
        ("path that climbs", get("/v1/../../etc/passwd"), 404, "not-found"),
        (
            "no such event",
            get("/v1/buses/default/events/7"),
            404,
            "no-such-event",
        ),
        (
            "no such rule",
            get("/v1/buses/default/rules/r"),
            404,
            "no-such-rule",
        ),
        ("no such route", get("/v1/routes/r/t"), 404, "no-such-route"),
        ("no such job", get("/v1/jobs/1"), 404, "no-such-job"),
        (
            "bus of no UTF-8",
            post("POST /v1/buses/%ff/events"),
            400,
            "invalid-path",
        ),
        (
            "rule of no UTF-8",
            get("/v1/buses/default/rules/%ff"),
            400,
            "invalid-path",
        ),
        (
            "event of no UTF-8",
            get("/v1/buses/default/events/%c0%a0"),
            400,
            "invalid-path",
        ),
        (
            "event of letters",
            get("/v1/buses/default/events/x"),
            400,
            "invalid-sequence",
        ),
        ("bus of a bad name", bad_name, 400, "invalid-name"),
        ("wrong method", post("PUT /events"), 405, "method-not-allowed"),
        (
            "unknown method",
            post("BREW /v1/buses"),
            405,
            "method-not-allowed",
        ),
        (
            "method of a document",
            post("DELETE /openapi.json"),
            405,
            "method-not-allowed",
        ),
    ];
    let cases = cases.map(|(name, bytes, status, code)| case(name, bytes, status, code));
    ask(&server, cases.into()).await;
}

#[tokio::test]
async fn bodies_of_a_wrong_kind_are_problems() {
    let server = Server::start().await;
    let good = event("1", "t", &json!(1)).to_string();
    let post = |path: &str, headers: &[&str]| request(&format!("POST {path}"), headers, good.as_bytes());
    let latin = "content-type: application/cloudevents+json; charset=latin1";
    let cases = [
        ("no kind", post("/events", &[])),
        ("text", post("/events", &["content-type: text/plain"])),
        (
            "Avro",
            post("/events", &["content-type: application/cloudevents+avro"]),
        ),
        ("another charset", post("/events", &[latin])),
        ("rules as text", post("/v1/apply", &["content-type: text/plain"])),
    ];
    let cases = cases.map(|(name, bytes)| case(name, bytes, 415, "unsupported-media-type"));
    ask(&server, cases.into()).await;
}

#[tokio::test]
async fn requests_that_a_foreign_page_could_have_sent_are_problems() {
    let server = Server::start().await;
    let get = |target: &str, headers: &str| format!("GET {target} HTTP/1.1\r\n{headers}\r\n").into_bytes();
    let (path, local) = ("/v1/buses", "host: localhost\r\n");
    let with = |more: &str| get(path, &format!("{local}{more}\r\n"));
    let cases = [
        ("host", get(path, "host: evil.example\r\n")),
        ("second host", with("host: evil.example")),
        ("origin", with("origin: https://evil.example")),
        ("origin of a sandbox", with("origin: null")),
        ("request line", get("http://evil.example/v1/buses", local)),
    ];
    let cases = cases.map(|(name, bytes)| case(name, bytes, 403, "foreign-host"));
    ask(&server, cases.into()).await;
}
