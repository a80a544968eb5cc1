//! Bad calls to the control plane: refused with the place of the mistake.

use serde_json::Value;
use serde_json::json;

use super::PLAIN;
use super::YAML;
use super::ask;
use super::case;
use super::request;
use crate::support::Server;
use crate::support::exchange;
use crate::support::webhook_rule;

const RULE: &str = r#"{"match":{"type":["t"]},"targets":[{"name":"t","echo":{}}]}"#;

#[tokio::test]
async fn bodies_that_are_no_json_or_no_rule_are_problems() {
    let server = Server::start().await;
    let put = |body: &str| request("PUT /v1/buses/default/rules/r", &[PLAIN], body.as_bytes());
    let post = |path: &str, body: &str| request(&format!("POST {path}"), &[PLAIN], body.as_bytes());
    let yaml = |body: &[u8]| request("POST /v1/apply", &[YAML], body);
    ask(
        &server,
        vec![
            case("a rule of no JSON", put("{"), 400, "invalid-json"),
            case("a rule of nothing", put(""), 400, "invalid-json"),
            case("a rule that is a list", put("[]"), 422, "invalid-type"),
            case("a rule without a match", put("{}"), 422, "missing-field"),
            case(
                "a rule with a typo",
                put(&RULE.replace("targets", "taregts")),
                422,
                "unknown-key",
            ),
            case(
                "a rule of no pattern",
                put(&RULE.replace("[\"t\"]", "\"t\"")),
                422,
                "invalid-pattern",
            ),
            case(
                "a rule of another name",
                put(&RULE.replacen('{', "{\"name\":\"x\",", 1)),
                422,
                "name-mismatch",
            ),
            case(
                "a rule on no bus",
                request("PUT /v1/buses/nowhere/rules/r", &[PLAIN], RULE.as_bytes()),
                404,
                "no-such-bus",
            ),
            case(
                "a rule of a bad name",
                request("PUT /v1/buses/default/rules/a%20b", &[PLAIN], RULE.as_bytes()),
                400,
                "invalid-name",
            ),
            case("apply of no JSON", post("/v1/apply", "{"), 400, "invalid-json"),
            case("apply of no YAML", yaml(b"rules: ["), 400, "invalid-yaml"),
            case("apply of no UTF-8", yaml(b"rules: \xff"), 400, "invalid-yaml"),
            case(
                "test of no JSON",
                post("/v1/rules/test", "nonsense"),
                400,
                "invalid-json",
            ),
            case(
                "test of half",
                post("/v1/rules/test", "{\"rule\":{\"match\":{}}}"),
                400,
                "invalid-body",
            ),
            case(
                "test of no pattern",
                post(
                    "/v1/rules/test",
                    "{\"rule\":{\"match\":{\"type\":1}},\"event\":{}}",
                ),
                422,
                "invalid-pattern",
            ),
            case(
                "test of an unknown member",
                post("/v1/rules/test", "{\"ruel\":{}}"),
                400,
                "invalid-json",
            ),
            case(
                "redrive of no JSON",
                post("/v1/dead-letters/redrive", "{"),
                400,
                "invalid-json",
            ),
            case(
                "redrive of an unknown member",
                post("/v1/dead-letters/redrive", "{\"filter\":{\"rul\":\"r\"}}"),
                400,
                "invalid-json",
            ),
            case(
                "redrive of a bad id",
                post("/v1/dead-letters/redrive", "{\"filter\":{\"ids\":[\"x\"]}}"),
                400,
                "invalid-id",
            ),
            case(
                "redrive since never",
                post("/v1/dead-letters/redrive", "{\"filter\":{\"since\":\"x\"}}"),
                400,
                "invalid-since",
            ),
        ],
    )
    .await;
    assert_eq!(server.get("/v1/buses/default/rules").await["items"], json!([]));
}

/// What a problem says about one fault: pointer, code, line and column.
fn faults(problem: &Value) -> Vec<(&str, &str, u64, u64)> {
    let number = |fault: &Value, member: &str| fault[member].as_u64().unwrap_or_default();
    let errors = problem["errors"].as_array().unwrap().iter();
    errors
        .map(|fault| {
            (
                fault["pointer"].as_str().unwrap(),
                fault["code"].as_str().unwrap(),
                number(fault, "line"),
                number(fault, "column"),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_bad_rule_is_refused_with_its_pointer_and_in_yaml_with_line_and_column() {
    let server = Server::start().await;
    let yaml = "rules:\n  - name: good\n    match: { type: [t] }\n    targets: [{ name: t, echo: {} }]\n  - name: bad\n    \
                match: { type: [{ prefx: a }] }\n    taregts: []\n";
    let reply = exchange(server.url(), &request("POST /v1/apply", &[YAML], yaml.as_bytes())).await;
    let problem = reply.problem(422, "unknown-key");
    let found = faults(&problem);
    assert!(
        found.contains(&("/rules/1/taregts", "unknown-key", 7, 5)),
        "{found:?}"
    );
    assert!(
        found.iter().any(|(pointer, _, line, column)| {
            *pointer == "/rules/1/match/type/0/prefx" && (*line, *column) == (6, 23)
        }),
        "{found:?}"
    );
    let json = json!({ "rules": [{ "name": "bad", "match": { "type": [{ "prefix": 1 }] }, "targets": [{ "name": "t", "echo": {} }] }] });
    let reply = exchange(
        server.url(),
        &request("POST /v1/apply", &[PLAIN], json.to_string().as_bytes()),
    )
    .await;
    let problem = reply.problem(422, "invalid-pattern");
    assert!(
        faults(&problem)[0].0.starts_with("/rules/0/match/type/0"),
        "{problem}"
    );
    let broken = "rules:\n  - name: a\n   match: {}\n";
    let reply = exchange(
        server.url(),
        &request("POST /v1/apply", &[YAML], broken.as_bytes()),
    )
    .await;
    let problem = reply.problem(400, "invalid-yaml");
    assert_eq!(faults(&problem)[0].2, 3, "{problem}");
    // All or nothing: the good rule beside the bad one is not there.
    assert_eq!(server.get("/v1/buses/default/rules").await["items"], json!([]));
}

#[tokio::test]
async fn a_rule_that_a_file_owns_is_not_changed_by_a_call() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("rules.yaml");
    let text = "rules:\n  - { name: r, match: { type: [t] }, targets: [{ name: t, echo: {} }] }\n";
    std::fs::write(&file, text).unwrap();
    let server = Server::start_with(&["--rules", file.to_str().unwrap()]).await;
    let changed = text.replace("[t]", "[u]");
    let before = server.get("/v1/buses/default/rules/r").await;
    ask(
        &server,
        vec![
            case(
                "put",
                request(
                    "PUT /v1/buses/default/rules/r",
                    &[PLAIN],
                    RULE.replace("[\"t\"]", "[\"u\"]").as_bytes(),
                ),
                409,
                "owned-by-file",
            ),
            case(
                "delete",
                request("DELETE /v1/buses/default/rules/r", &[], b""),
                409,
                "owned-by-file",
            ),
            case(
                "apply",
                request("POST /v1/apply", &[YAML], changed.as_bytes()),
                409,
                "owned-by-file",
            ),
            case(
                "bus with rules",
                request("DELETE /v1/buses/default", &[], b""),
                409,
                "default-bus",
            ),
        ],
    )
    .await;
    assert_eq!(server.get("/v1/buses/default/rules/r").await, before);
}

#[tokio::test]
async fn a_stale_or_forbidden_change_of_a_rule_is_refused() {
    let server = Server::start().await;
    server
        .apply(&format!("rules: [{}]", RULE.replacen('{', "{\"name\":\"r\",", 1)))
        .await;
    let before = server.get("/v1/buses/default/rules/r").await;
    let put = |tag: &str| {
        let tag = format!("if-match: {tag}");
        request("PUT /v1/buses/default/rules/r", &[PLAIN, &tag], RULE.as_bytes())
    };
    let forbidden = webhook_rule("r", "t", "http://127.0.0.2:1/", "");
    let hook = r#"{"match":{"type":["t"]},"targets":[{"name":"t","webhook":{"url":"http://127.0.0.2:1/"}}]}"#;
    let delete = request("DELETE /v1/buses/default/rules/r", &["if-match: \"99\""], b"");
    let new = request(
        "PUT /v1/buses/default/rules/new",
        &[PLAIN, "if-match: \"1\""],
        RULE.as_bytes(),
    );
    ask(
        &server,
        vec![
            case("another revision", put("\"99\""), 412, "stale"),
            case("no revision", put("\"abc\""), 412, "stale"),
            case("delete of another revision", delete, 412, "stale"),
            case("a revision of nothing", new, 412, "stale"),
            case(
                "a forbidden address",
                request("PUT /v1/buses/default/rules/r", &[PLAIN], hook.as_bytes()),
                422,
                "egress-denied",
            ),
            case(
                "apply of a forbidden address",
                request("POST /v1/apply", &[YAML], forbidden.as_bytes()),
                422,
                "egress-denied",
            ),
        ],
    )
    .await;
    assert_eq!(server.get("/v1/buses/default/rules/r").await, before);
}
