//! F49: secrets stay where they are.

use std::path::Path;

use serde_json::json;

use crate::support::Answer;
use crate::support::Evil;
use crate::support::Server;
use crate::support::Sink;
use crate::support::Step;
use crate::support::event;
use crate::support::retrying;
use crate::support::rule;

const SENTINELS: [&str; 5] = [
    "sentinel-password",
    "sentinel-token",
    "sentinel-header",
    "sentinel-query",
    "sentinel-key",
];

/// The files below a directory that hold one of the sentinels, or what is sent of them.
fn files_with_sentinels(dir: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_with_sentinels(&path, found);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let holds = SENTINELS.iter().filter(|sentinel| text.contains(**sentinel));
        found.extend(holds.map(|sentinel| format!("{sentinel} in {}", path.display())));
    }
}

/// The target echoes all that it got into its refusal, as frameworks do in debug mode.
#[tokio::test]
async fn f49_no_secret_is_in_an_answer_a_dead_letter_the_catalog_the_log_or_what_the_server_says() {
    let mut server = Server::start().await;
    let sink = Sink::answering(|_| Answer::Status(500)).await;
    let echo = format!("you sent {} and {}", SENTINELS[1], SENTINELS[2]);
    let echo = format!(
        "HTTP/1.1 500 Oops\r\ncontent-length: {}\r\n\r\n{echo}",
        echo.len()
    );
    let echoing = Evil::playing([Step::Read, Step::write(echo)]).await;
    let connections = [
        (
            "a",
            json!({ "basic": { "username": "u", "password": SENTINELS[0] } }),
        ),
        (
            "b",
            json!({ "bearer": { "token": SENTINELS[1] }, "headers": { "x-h": SENTINELS[2] } }),
        ),
        (
            "c",
            json!({ "api_key": { "query": "k", "value": SENTINELS[4] }, "query": { "q": SENTINELS[3] } }),
        ),
    ];
    let mut answers = Vec::new();
    for (name, connection) in &connections {
        answers.push(server.put(&format!("/v1/connections/{name}"), connection).await.1);
        let url = if *name == "b" {
            echoing.url("/")
        } else {
            sink.url("/")
        };
        let mut rule = retrying(rule("t", &url), "10ms");
        rule["targets"][0]["webhook"]["connection"] = json!(name);
        rule["targets"][0]["retry"]["max_attempts"] = json!(2);
        server
            .put(&format!("/v1/buses/default/rules/{name}"), &rule)
            .await;
    }
    server.publish(&event("1", "t", &json!(1))).await;
    answers.extend(server.dead_letters(connections.len()).await);
    for path in [
        "/v1/connections",
        "/v1/connections/a",
        "/v1/buses/default/rules",
        "/v1/buses/default/events/1/deliveries",
        "/v1/routes",
    ] {
        answers.push(server.get(path).await);
    }
    let sent = sink.received();
    let query = |request: &crate::support::Received| request.path.contains(SENTINELS[3]);
    assert!(sent.iter().any(query), "the sentinels are really sent");
    let echoed = echoing.seen().requests[0].header("authorization").to_owned();
    assert_eq!(echoed, format!("Bearer {}", SENTINELS[1]));
    let text = answers.iter().map(ToString::to_string).collect::<String>();
    assert!(text.contains("you sent *** and ***"), "{text}");
    for answer in &answers {
        let text = answer.to_string();
        assert!(
            SENTINELS.iter().all(|sentinel| !text.contains(sentinel)),
            "{text}"
        );
    }
    let metrics = server
        .request(reqwest::Method::GET, "/metrics")
        .send()
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(SENTINELS.iter().all(|sentinel| !metrics.contains(sentinel)));
    server.stop().await;
    let mut found = Vec::new();
    files_with_sentinels(server.dir(), &mut found);
    assert!(found.is_empty(), "{found:?}");
}
