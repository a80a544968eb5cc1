//! F49: secrets stay where they are.

use std::path::Path;

use axum::response::IntoResponse as _;
use reqwest::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::support::Authority;
use crate::support::Received;
use crate::support::SecureSink;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::eventually;
use crate::support::retrying;
use crate::support::rule;

/// One of every kind of secret, and the forms in which some are sent.
const SENTINELS: [&str; 16] = [
    "sentinel-password",
    // Basic of u:sentinel-password.
    "dTpzZW50aW5lbC1wYXNzd29yZA",
    "sentinel-token",
    "sentinel-header",
    "sentinel-query",
    "sentinel-member",
    "sentinel-key",
    "sentinel-client-secret",
    "sentinel-param",
    "sentinel-issued-token",
    "sentinel-access-id",
    "sentinel-access-key",
    "sentinel-session",
    // Of sentinel-signing-key-of-32-bytes!
    "c2VudGluZWwtc2lnbmluZy1rZXktb2YtMzItYnl0ZXMh",
    // Of sentinel-signing-seed-of-32-byte
    "c2VudGluZWwtc2lnbmluZy1zZWVkLW9mLTMyLWJ5dGU",
    "sentinel-signing",
];

/// The files below a directory that hold one of the sentinels.
fn files_with(sentinels: &[&str], dir: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_with(sentinels, &path, found);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let holds = sentinels.iter().filter(|sentinel| text.contains(**sentinel));
        found.extend(holds.map(|sentinel| format!("{sentinel} in {}", path.display())));
    }
}

/// A target that puts all that it got into its refusal, as frameworks do in debug mode.
async fn echoing() -> Sink {
    Sink::responding(|request: &Received| {
        let body = String::from_utf8_lossy(&request.body);
        let text = format!("you sent {} {:?} {body}", request.path, request.headers);
        (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
    })
    .await
}

/// One rule for each connection, and those whose targets have secrets of their own.
async fn put_all(
    server: &Server,
    connections: &[(&str, Value)],
    echo: &Sink,
    secure: &SecureSink,
) -> Vec<Value> {
    let mut answers = Vec::new();
    let mut rules = Vec::new();
    for (name, connection) in connections {
        let (status, answer) = server.put(&format!("/v1/connections/{name}"), connection).await;
        assert_eq!(status, 201, "{answer}");
        answers.push(answer);
        let url = if *name == "mtls" {
            secure.url("/")
        } else {
            echo.url("/")
        };
        let mut rule = rule("t", &url);
        rule["targets"][0]["webhook"]["connection"] = json!(name);
        rules.push(((*name).to_owned(), rule));
    }
    let signs = [
        ("signed", json!({ "secret": format!("whsec_{}", SENTINELS[13]) })),
        (
            "rotated",
            json!({ "secrets": [format!("whsec_{}", SENTINELS[13]), format!("whsec_{}", SENTINELS[13])] }),
        ),
        ("public", json!({ "ed25519": format!("whsk_{}=", SENTINELS[14]) })),
    ];
    for (name, sign) in signs {
        let mut rule = rule("t", &echo.url("/"));
        rule["targets"][0]["webhook"]["sign"] = sign;
        rules.push((name.to_owned(), rule));
    }
    let lambda = json!({
        "region": "eu-central-1", "endpoint": echo.url(""), "function": "f",
        "credentials": {
            "access_key_id": SENTINELS[10], "secret_access_key": SENTINELS[11], "session_token": SENTINELS[12],
        },
    });
    let lambda = json!({
        "match": { "type": ["t"] }, "targets": [{ "name": "hook", "function": { "lambda": lambda } }],
    });
    rules.push(("lambda".to_owned(), lambda));
    for (name, rule) in rules {
        let mut rule = retrying(rule, "10ms");
        rule["targets"][0]["retry"]["max_attempts"] = json!(2);
        let (status, answer) = server
            .put(&format!("/v1/buses/default/rules/{name}"), &rule)
            .await;
        assert_eq!(status, 201, "{answer}");
        answers.push(answer);
    }
    answers
}

/// What the server tells whoever asks.
async fn readings(server: &Server, connections: impl Iterator<Item = &str>) -> Vec<Value> {
    let paths = [
        "/v1/connections",
        "/v1/buses/default/rules",
        "/v1/buses/default/events/1/deliveries",
        "/v1/routes",
        "/v1/dead-letters",
        "/v1/buses/system/events?from=earliest",
        "/v1/status",
    ];
    let mut paths: Vec<_> = paths.map(str::to_owned).into();
    paths.extend(connections.map(|name| format!("/v1/connections/{name}")));
    let mut readings = Vec::new();
    for path in paths {
        readings.push(server.get(&path).await);
    }
    let metrics = server.request(reqwest::Method::GET, "/metrics").send().await;
    readings.push(json!(metrics.unwrap().text().await.unwrap()));
    readings
}

/// All that came to these sinks, as text.
fn everything_sent(sinks: &[&Sink]) -> String {
    let requests = sinks.iter().flat_map(|sink| sink.received());
    let texts = requests.map(|request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        format!("{} {:?} {body}", request.path, request.headers)
    });
    texts.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn f49_no_secret_is_in_an_answer_a_dead_letter_the_catalog_the_log_or_what_the_server_says() {
    let mut server = Server::start().await;
    let echo = echoing().await;
    let tokens = Sink::responding(|request: &Received| {
        let form = String::from_utf8_lossy(&request.body);
        match request.path.as_str() {
            "/good" => format!(r#"{{"access_token":"{}"}}"#, SENTINELS[9]).into_response(),
            _ => (StatusCode::BAD_REQUEST, format!("you sent {form}")).into_response(),
        }
    })
    .await;
    let authority = Authority::new();
    let secure = SecureSink::showing(&authority.issue(&["127.0.0.1"])).await;
    let (cert, key) = authority.issue(&["client"]).pem();
    let key_line = key.lines().nth(1).unwrap().to_owned();
    let oauth = |path: &str| {
        json!({ "oauth2": {
            "token_url": tokens.url(path), "client_id": "me", "client_auth": "body",
            "client_secret": SENTINELS[7], "params": { "p": SENTINELS[8] },
        } })
    };
    let connections = [
        (
            "basic",
            json!({ "basic": { "username": "u", "password": SENTINELS[0] } }),
        ),
        (
            "bearer",
            json!({ "bearer": { "token": SENTINELS[2] }, "headers": { "x-h": SENTINELS[3] } }),
        ),
        (
            "api-key",
            json!({
                "api_key": { "query": "k", "value": SENTINELS[6] },
                "query": { "q": SENTINELS[4] }, "body": { "m": SENTINELS[5] },
            }),
        ),
        ("oauth", oauth("/good")),
        ("no-token", oauth("/bad")),
        ("mtls", json!({ "mtls": { "cert": cert, "key": key } })),
    ];
    let mut answers = put_all(&server, &connections, &echo, &secure).await;
    server.publish(&event("1", "t", &json!({ "n": 1 }))).await;
    // All but the one without a token: nothing is sent of it, and nothing charged.
    answers.extend(server.dead_letters(connections.len() - 1 + 4).await);
    answers.push(
        eventually("the call without a token waits", async || {
            let route = server.route("no-token", "hook").await;
            (route["retrying"] == 1).then_some(route)
        })
        .await,
    );
    let sent = everything_sent(&[&echo, &tokens]);
    // What goes out as it is, sent for real: headers that are sensitive to us are plain to the sink.
    for sentinel in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12].map(|n: usize| SENTINELS[n]) {
        assert!(sent.contains(sentinel), "{sentinel} is not sent");
    }
    answers.extend(readings(&server, connections.iter().map(|(name, _)| *name)).await);
    let echoed: String = answers.iter().map(ToString::to_string).collect();
    assert!(echoed.contains("you sent") && echoed.contains("***"), "{echoed}");
    let sentinels = [&SENTINELS[..], &[key_line.as_str()]].concat();
    for answer in &answers {
        let text = answer.to_string();
        let shown = sentinels.iter().find(|sentinel| text.contains(**sentinel));
        assert_eq!(shown, None, "{text}");
    }
    server.stop().await;
    let said = server.everything_said().await.join("\n");
    assert!(!said.is_empty());
    let shown = sentinels.iter().find(|sentinel| said.contains(**sentinel));
    assert_eq!(shown, None, "{said}");
    let mut found = Vec::new();
    files_with(&sentinels, server.dir(), &mut found);
    assert!(found.is_empty(), "{found:?}");
}
