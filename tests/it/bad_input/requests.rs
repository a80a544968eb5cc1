//! Requests to nowhere, of a wrong kind, or from somebody else.

use super::PLAIN;
use super::STRUCTURED;
use super::ask;
use super::case;
use super::publish;
use super::request;
use crate::support::Server;
use crate::support::event;
use serde_json::json;

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table, a row a request")]
async fn requests_to_nowhere_or_of_a_wrong_kind_are_problems() {
    let server = Server::start().await;
    let good = event("1", "t", &json!(1)).to_string();
    let post = |line: &'static str| request(line, &[STRUCTURED], good.as_bytes());
    let get = |line: &'static str| request(line, &[], b"");
    ask(
        &server,
        vec![
            case(
                "unknown bus",
                post("POST /v1/buses/nowhere/events"),
                404,
                "no-such-bus",
            ),
            case("unknown path", post("POST /v2/events"), 404, "not-found"),
            case(
                "path that climbs",
                get("GET /v1/../../etc/passwd"),
                404,
                "not-found",
            ),
            case(
                "path of no UTF-8",
                post("POST /v1/buses/%ff/events"),
                400,
                "invalid-path",
            ),
            case(
                "rule of no UTF-8",
                get("GET /v1/buses/default/rules/%ff"),
                400,
                "invalid-path",
            ),
            case(
                "event of no UTF-8",
                get("GET /v1/buses/default/events/%c0%a0"),
                400,
                "invalid-path",
            ),
            case("wrong method", post("PUT /events"), 405, "method-not-allowed"),
            case(
                "unknown method",
                post("BREW /v1/buses"),
                405,
                "method-not-allowed",
            ),
            case(
                "wrong method of /openapi.json",
                get("DELETE /openapi.json"),
                405,
                "method-not-allowed",
            ),
            case(
                "no content type",
                request("POST /events", &[], good.as_bytes()),
                415,
                "unsupported-media-type",
            ),
            case(
                "text",
                publish("content-type: text/plain", &good),
                415,
                "unsupported-media-type",
            ),
            case(
                "Avro",
                publish("content-type: application/cloudevents+avro", &good),
                415,
                "unsupported-media-type",
            ),
            case(
                "another charset",
                publish(
                    "content-type: application/cloudevents+json; charset=latin1",
                    &good,
                ),
                415,
                "unsupported-media-type",
            ),
            case(
                "apply of text",
                request("POST /v1/apply", &["content-type: text/plain"], b"rules: []"),
                415,
                "unsupported-media-type",
            ),
            case(
                "sequence of letters",
                get("GET /v1/buses/default/events/x"),
                400,
                "invalid-sequence",
            ),
            case(
                "no such event",
                get("GET /v1/buses/default/events/7"),
                404,
                "no-such-event",
            ),
            case(
                "no such rule",
                get("GET /v1/buses/default/rules/r"),
                404,
                "no-such-rule",
            ),
            case("no such route", get("GET /v1/routes/r/t"), 404, "no-such-route"),
            case("no such job", get("GET /v1/jobs/1"), 404, "no-such-job"),
            case(
                "bus of a bad name",
                request("PUT /v1/buses/a%20b", &[PLAIN], b"{}"),
                400,
                "invalid-name",
            ),
            case(
                "foreign host",
                foreign("GET /v1/buses", "host: evil.example\r\n"),
                403,
                "foreign-host",
            ),
            case(
                "foreign origin",
                foreign(
                    "GET /v1/buses",
                    "host: localhost\r\norigin: https://evil.example\r\n",
                ),
                403,
                "foreign-host",
            ),
            case(
                "origin of a sandbox",
                foreign("GET /v1/buses", "host: localhost\r\norigin: null\r\n"),
                403,
                "foreign-host",
            ),
            case(
                "foreign target",
                foreign("GET http://evil.example/v1/buses", "host: localhost\r\n"),
                403,
                "foreign-host",
            ),
            case(
                "two hosts",
                foreign("GET /v1/buses", "host: localhost\r\nhost: evil.example\r\n"),
                403,
                "foreign-host",
            ),
        ],
    )
    .await;
}

fn foreign(line: &str, headers: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\n{headers}\r\n").into_bytes()
}
