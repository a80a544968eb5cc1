//! Queries that mean nothing: refused, so that nobody believes they meant something.

use super::PLAIN;
use super::STRUCTURED;
use super::YAML;
use super::ask;
use super::case;
use super::request;
use crate::support::Server;
use crate::support::event;
use serde_json::json;

#[tokio::test]
async fn bad_queries_are_problems() {
    let server = Server::start().await;
    let get = |name, path: &str, code| case(name, request(&format!("GET {path}"), &[], b""), 400, code);
    let delete = request("DELETE /v1/buses/default/rules/r?dry_run=true", &[], b"");
    let redrive = request(
        "POST /v1/dead-letters/redrive?dry_run=true",
        &[PLAIN],
        b"{\"filter\":{}}",
    );
    let good = event("1", "t", &json!(1)).to_string();
    ask(
        &server,
        vec![
            get("unknown key", "/v1/buses?page=2", "invalid-query"),
            get(
                "unknown key of events",
                "/v1/buses/default/events?typ=x",
                "invalid-query",
            ),
            get(
                "unknown key of one event",
                "/v1/buses/default/events/1?x=1",
                "invalid-query",
            ),
            get(
                "limit over the most",
                "/v1/buses/default/events?limit=1001",
                "invalid-limit",
            ),
            get(
                "limit of a list over the most",
                "/v1/buses?limit=1001",
                "invalid-limit",
            ),
            get(
                "limit of dead letters over the most",
                "/v1/dead-letters?limit=1001",
                "invalid-limit",
            ),
            get("limit of nothing", "/v1/buses?limit=0", "invalid-limit"),
            get("limit below nothing", "/v1/buses?limit=-1", "invalid-query"),
            get("limit of letters", "/v1/buses?limit=many", "invalid-query"),
            get("limit twice", "/v1/buses?limit=1&limit=2", "invalid-query"),
            get("cursor of no alphabet", "/v1/buses?cursor=***", "invalid-cursor"),
            get(
                "cursor of another list",
                "/v1/buses/default/events?cursor=YWJj",
                "invalid-cursor",
            ),
            get(
                "cursor of dead letters",
                "/v1/dead-letters?cursor=YWJj",
                "invalid-cursor",
            ),
            get(
                "from of nothing",
                "/v1/buses/default/events?from=yesterday",
                "invalid-from",
            ),
            get(
                "wait of letters",
                "/v1/buses/default/events?wait=long",
                "invalid-wait",
            ),
            get("since of letters", "/v1/dead-letters?since=noon", "invalid-since"),
            case(
                "apply with a wrong flag",
                request("POST /v1/apply?dryrun=true", &[YAML], b"rules: []"),
                400,
                "invalid-query",
            ),
            case(
                "apply with no truth",
                request("POST /v1/apply?dry_run=maybe", &[YAML], b"rules: []"),
                400,
                "invalid-query",
            ),
            case("delete with a flag", delete, 400, "invalid-query"),
            case("redrive with a flag", redrive, 400, "invalid-query"),
            case(
                "publish with a flag",
                request("POST /events?sync=true", &[STRUCTURED], good.as_bytes()),
                400,
                "invalid-query",
            ),
        ],
    )
    .await;
}
