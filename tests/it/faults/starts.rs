//! Servers that must not start, and one that may not serve yet.

use serde_json::Value;
use serde_json::json;

use crate::support::Ran;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::tramline;
use crate::support::webhook_rule;

/// The lines that a process wrote for people.
fn said(ran: &Ran) -> Vec<String> {
    ran.stderr.lines().map(str::to_owned).collect()
}

/// F52: a data directory has one server; the second says who has it and leaves it alone.
#[tokio::test]
async fn f52_a_second_server_on_one_data_directory_is_refused_and_told_which_process_has_it() {
    let server = Server::start().await;
    server.publish(&event("1", "t", &json!(1))).await;
    let dir = server.dir().join("data").display().to_string();
    let second = tramline(&["serve", "--listen", "127.0.0.1:0", "--data-dir", &dir]).await;
    assert_eq!(second.code, 2, "{second:?}");
    let said = said(&second);
    let last = said.last().unwrap();
    for part in [
        "tramline: ",
        &dir,
        &format!("process {}", server.pid()),
        "--data-dir",
    ] {
        assert!(last.contains(part), "no {part:?} in {said:?}");
    }
    // The first one did not notice.
    server.publish(&event("2", "t", &json!(2))).await;
    assert_eq!(server.last_sequence().await, 2);
}

/// F52: a port that is taken is one line with the way out.
#[tokio::test]
async fn f52_a_port_in_use_is_said_in_one_line_with_the_fix() {
    let server = Server::start().await;
    let dir = tempfile::TempDir::new().unwrap();
    let (dir, address) = (dir.path().display().to_string(), &server.url()["http://".len()..]);
    let second = tramline(&["serve", "--listen", address, "--data-dir", &dir]).await;
    assert_eq!(second.code, 2, "{second:?}");
    let said = said(&second);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains(address) && said[0].contains("--listen 127.0.0.1:0"),
        "{said:?}"
    );
    assert!(second.stdout.is_empty(), "{second:?}");
}

/// A shell's usual limit of 1,024 files is not that of a server.
#[tokio::test]
async fn the_limit_of_open_files_is_raised_as_far_as_the_system_lets_it() {
    let server = Server::start().await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let files = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let limits: Vec<_> = files.unwrap().split_whitespace().take(2).collect();
    assert_eq!(limits[0], limits[1], "soft and hard");
}

/// A start that fails has called no target, and leaves the log in order.
#[tokio::test]
async fn a_start_that_fails_delivers_nothing_and_closes_the_log() {
    let sink = Sink::start().await;
    let mut server = Server::start().await;
    server.apply(&webhook_rule("r", "t", &sink.url("/"), "")).await;
    server.publish(&event("1", "t", &json!(1))).await;
    server.settled(1, "delivered").await;
    assert!(server.stop().await.success());
    let data = server.data_dir();
    let broken = server.dir().join("broken.yaml");
    std::fs::write(&broken, "rules: [{ name: r }]\n").unwrap();
    let nowhere = server.dir().join("no/folder/port");
    for (flag, file, code) in [("--rules", broken, 2), ("--port-file", nowhere, 1)] {
        let file = file.display().to_string();
        let options = ["--listen", "127.0.0.1:0", "--segment-size", "8388608"];
        let size = ["--max-batch-bytes", "1048576"];
        let args = [&["serve", "--data-dir", &data, flag, &file], &options[..], &size].concat();
        tramline(&args).await.ended(code);
        let seen = tramline(&["log", "inspect", "--data-dir", &data]).await.ended(0);
        assert!(seen.stdout.contains("closed in order"), "{flag}: {}", seen.stdout);
    }
    assert_eq!(sink.received().len(), 1);
}

/// F25: until the catalog was read once nobody can say where an event goes, so none is taken.
#[tokio::test]
async fn f25_nothing_is_accepted_before_the_rules_are_loaded() {
    let sink = Sink::start().await;
    let dir = tempfile::TempDir::new().unwrap();
    let rules = dir.path().join("rules.yaml");
    std::fs::write(&rules, webhook_rule("r", "t", &sink.url("/"), "")).unwrap();
    let server = Server::start_unready(&[
        "--rules",
        rules.to_str().unwrap(),
        "--database-url",
        "postgres://127.0.0.1:1/x",
        "--egress-allow",
        "127.0.0.1/32",
    ])
    .await;
    let get = async |path: &str| server.request(reqwest::Method::GET, path).send().await.unwrap();
    assert_eq!(get("/livez").await.status(), 200);
    let readiness = get("/readyz").await;
    assert_eq!(readiness.status(), 503);
    let readiness: Value = readiness.json().await.unwrap();
    assert_eq!(
        (&readiness["code"], &readiness["status"]),
        (&json!("not-ready"), &json!(503))
    );
    let errors = readiness["errors"].as_array().unwrap();
    assert!(
        errors.iter().any(|error| error["code"] == "catalog"),
        "{readiness}"
    );
    for path in ["/events", "/v1/buses/default/events", "/v1/buses/unknown/events"] {
        for kind in ["application/cloudevents+json", "application/json"] {
            let body = event("1", "t", &json!(1)).to_string();
            let refused = server
                .request(reqwest::Method::POST, path)
                .header("content-type", kind)
                .body(body);
            unavailable(refused).await;
        }
    }
    for path in [
        "/v1/buses",
        "/v1/buses/default/rules",
        "/v1/buses/default/events",
        "/v1/routes",
    ] {
        unavailable(server.request(reqwest::Method::GET, path)).await;
    }
    for path in ["/subjects", "/schemas/ids/1", "/config"] {
        let path = format!("/confluent{path}");
        let refused = server.call(server.request(reqwest::Method::GET, &path)).await;
        assert_eq!(
            (refused.0, &refused.1["error_code"]),
            (503, &json!(503)),
            "{path}"
        );
    }
    let apply = server
        .request(reqwest::Method::POST, "/v1/apply")
        .header("content-type", "application/yaml");
    unavailable(apply.body("rules: []\n")).await;
    assert_eq!(sink.received().len(), 0);
}

async fn unavailable(request: reqwest::RequestBuilder) {
    let refused = request.send().await.unwrap();
    assert_eq!(refused.status(), 503, "{}", refused.url());
    let seconds = refused.headers()["retry-after"].to_str().unwrap().parse::<u32>();
    assert!(
        seconds.is_ok_and(|seconds| seconds >= 1),
        "{:?}",
        refused.headers()
    );
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "catalog-unavailable");
}
