//! Documents made to exhaust a parser (F29): refused early, without stack or time.

use serde_json::json;

use super::BATCH;
use super::EVENT_BYTES;
use super::PLAIN;
use super::STRUCTURED;
use super::YAML;
use super::ask;
use super::case;
use super::publish;
use super::request;
use crate::support::Server;
use crate::support::event;
use crate::support::exchange;

fn bomb(opening: &str, bytes: usize) -> String {
    opening.repeat(bytes / opening.len())
}

fn around(data: &str) -> String {
    event("1", "t", &json!("data"))
        .to_string()
        .replace("\"data\":\"data\"", &format!("\"data\":{data}"))
}

#[tokio::test]
async fn hostile_nesting_in_events_is_refused() {
    // The largest limit there is, so that the parser sees as much of the bomb as it ever can.
    let flags = ["--max-event-bytes", "8388608", "--segment-size", "67108864"];
    let server = Server::start_with(&flags).await;
    let (lists, objects) = (bomb("[", 8_000_000), bomb("{\"a\":", 8_000_000));
    let binary = |body: &str| {
        let headers = [
            PLAIN,
            "ce-specversion: 1.0",
            "ce-id: 1",
            "ce-source: /s",
            "ce-type: t",
        ];
        request("POST /events", &headers, body.as_bytes())
    };
    let deep_case = |name, bytes| case(name, bytes, 400, "json-too-deep");
    let bombs = vec![
        deep_case("lists", publish(STRUCTURED, &lists)),
        deep_case("objects", publish(STRUCTURED, &objects)),
        deep_case("lists as data", publish(STRUCTURED, around(&lists))),
        deep_case("objects as data, plain", publish(PLAIN, around(&objects))),
        deep_case("lists, binary", binary(&lists)),
        deep_case("objects, binary", binary(&objects)),
    ];
    ask(&server, bombs).await;
    let deep = |levels: usize| around(&format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
    let batch = format!("[{}]", deep(65));
    ask(
        &server,
        vec![
            case("65 levels", publish(STRUCTURED, deep(65)), 400, "json-too-deep"),
            case("65 levels, plain", publish(PLAIN, deep(65)), 400, "json-too-deep"),
            case(
                "65 levels in a batch",
                publish(BATCH, batch),
                400,
                "json-too-deep",
            ),
            case(
                "65 levels, binary",
                binary(&format!("{}{}", "[".repeat(65), "]".repeat(65))),
                400,
                "json-too-deep",
            ),
            case(
                "bomb in a batch",
                publish(BATCH, bomb("[", EVENT_BYTES)),
                400,
                "json-too-deep",
            ),
            case(
                "bomb of a megabyte",
                publish(STRUCTURED, bomb("[", EVENT_BYTES)),
                400,
                "json-too-deep",
            ),
        ],
    )
    .await;
    let fits = exchange(
        server.url(),
        &publish(STRUCTURED, deep(64).replace("\"1\"", "\"deep\"")),
    )
    .await;
    assert_eq!(fits.status, 202, "{fits:?}");
}

#[tokio::test]
async fn hostile_nesting_in_control_calls_is_refused() {
    let server = Server::start().await;
    let (lists, objects) = (bomb("[", 10_000_000), bomb("{\"a\":", 10_000_000));
    let tried = |event: &str| format!("{{\"rule\":{{\"match\":{{\"type\":[\"t\"]}}}},\"event\":{event}}}");
    let flat = format!("{}{}", "[".repeat(5_000_000), "]".repeat(5_000_000));
    let yaml = |text: &str| request("POST /v1/apply", &[YAML], text.as_bytes());
    let json = |text: &str| request("POST /v1/apply", &[PLAIN], text.as_bytes());
    let put = |text: &str| request("PUT /v1/buses/default/rules/r", &[PLAIN], text.as_bytes());
    let test = |text: &str| request("POST /v1/rules/test", &[PLAIN], text.as_bytes());
    let bombs = [
        ("YAML lists", yaml(&lists), "invalid-yaml"),
        ("YAML objects", yaml(&objects), "invalid-yaml"),
        ("YAML blocks", yaml(&bomb("- ", 10_000_000)), "invalid-yaml"),
        ("JSON lists", json(&lists), "invalid-json"),
        ("JSON objects", json(&objects), "invalid-json"),
        ("a rule of lists", put(&lists), "invalid-json"),
        ("a test of lists", test(&lists), "json-too-deep"),
        (
            "a test of an event of lists",
            test(&tried(&lists)),
            "json-too-deep",
        ),
        (
            "a test of an event of whole lists",
            test(&tried(&flat)),
            "json-too-deep",
        ),
        (
            "a redrive of objects",
            request("POST /v1/dead-letters/redrive", &[PLAIN], objects.as_bytes()),
            "invalid-json",
        ),
    ];
    let bombs = bombs.map(|(name, bytes, code)| case(name, bytes, 400, code));
    ask(&server, bombs.into()).await;
}

#[tokio::test]
async fn yaml_that_grows_when_it_is_read_is_refused() {
    let server = Server::start().await;
    let grown = (1..=30).map(|n| {
        let before = vec![format!("*a{}", n - 1); 10].join(",");
        format!("a{n}: &a{n} [{before}]\n")
    });
    let laughs = format!(
        "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n{}rules: *a30\n",
        grown.collect::<String>()
    );
    let bytes = request("POST /v1/apply", &[YAML], laughs.as_bytes());
    let started = std::time::Instant::now();
    let problem = exchange(server.url(), &bytes).await.problem(400, "invalid-yaml");
    println!("{problem} after {:?}", started.elapsed());
    ask(&server, Vec::new()).await;
}

#[tokio::test]
async fn hostile_names_and_numbers_of_members_are_refused_in_few_words() {
    let server = Server::start().await;
    let name = "k".repeat(EVENT_BYTES - 1_000);
    let long_name = around("1").replacen('{', &format!("{{\"{name}\":1,"), 1);
    let version = around("1").replace("\"1.0\"", &format!("\"{name}\""));
    let many: Vec<_> = (0..60_000).map(|n| format!("\"a{n}\":{n}")).collect();
    let many = around("1").replacen('{', &format!("{{{},", many.join(",")), 1);
    let names: Vec<_> = (0..100)
        .map(|n| around("1").replacen('{', &format!("{{\"{}_{n}\":1,", &name[..9_000]), 1))
        .collect();
    let keys: Vec<_> = (0..1_000_000).map(|n| format!("\"{n}\":0")).collect();
    ask(
        &server,
        vec![
            case(
                "a name of a megabyte",
                publish(STRUCTURED, long_name),
                400,
                "invalid-attribute-name",
            ),
            case(
                "a version of a megabyte",
                publish(STRUCTURED, version),
                400,
                "unsupported-specversion",
            ),
            case(
                "60,000 attributes",
                publish(STRUCTURED, many),
                400,
                "too-many-attributes",
            ),
            case(
                "100 long names",
                publish(BATCH, format!("[{}]", names.join(","))),
                400,
                "invalid-attribute-name",
            ),
        ],
    )
    .await;
    let bytes = publish(STRUCTURED, around(&format!("{{{}}}", keys.join(","))));
    exchange(server.url(), &bytes)
        .await
        .problem(413, "event-too-large");
}
