//! The command line: what it prints, and the codes it ends with.

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::support::Answer;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::rules_file;
use crate::support::tramline;
use crate::support::tramline_with;

#[tokio::test]
async fn an_event_is_published_from_flags() {
    let server = Server::start().await;
    server.apply(&rules_file("r", "t", "https://example.com/")).await;
    let args = [
        "publish",
        "--url",
        server.url(),
        "--type",
        "t",
        "--source",
        "/me",
        "--subject",
        "s",
        "--id",
        "1",
        "--data",
        "{\"n\":1.50}",
        "--ext",
        "color=red",
        "--ext",
        "size=2",
    ];
    assert_eq!(tramline(&args).await.ended(0).stdout, "1  1  matched r\n");
    assert_eq!(
        tramline(&args).await.ended(0).stdout,
        "1  1 (duplicate)  matched r\n"
    );
    let stored = server.get("/v1/buses/default/events/1").await;
    let expected = json!({ "subject": "s", "source": "/me", "color": "red", "size": "2" });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(stored["event"][name], *value, "{name}");
    }
    let ran = tramline(&["publish", "--url", server.url(), "--type", "x", "-o", "json"])
        .await
        .ended(0);
    assert_eq!(ran.json()["results"][0]["sequence"], json!(2));
    tramline(&["publish", "--url", server.url(), "--type", "t", "--bus", "none"])
        .await
        .ended(5);
    for bad in [
        &["--type", "t", "--data", "{"][..],
        &["--type", "t", "--ext", "x"],
        &["--type", ""],
        &[],
    ] {
        tramline(&[&["publish", "--url", server.url()], bad].concat())
            .await
            .ended(2);
    }
}

#[tokio::test]
async fn events_are_published_from_a_file_and_from_stdin() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start().await);
    let lines = "{\"type\":\"t\",\"source\":\"/f\",\"id\":\"1\",\"data\":{\"n\": 1.50}}\n{\"type\":\"t\",\"source\":\"/f\",\"id\":\"2\"}\n";
    let path = dir.path().join("events.jsonl");
    std::fs::write(&path, lines).unwrap();
    let path = path.to_str().unwrap();
    let ran = tramline(&["publish", "--url", server.url(), "-f", path])
        .await
        .ended(0);
    assert_eq!(ran.stdout, "1  1  matched no rule\n2  2  matched no rule\n");
    let input = lines.replace("/f", "/stdin");
    let url = [("TRAMLINE_URL", server.url())];
    let ran = tramline_with(&["publish", "-f", "-", "-o", "jsonl"], &url, &input)
        .await
        .ended(0);
    assert_eq!(ran.stdout.lines().count(), 2);
    assert_eq!(server.get("/v1/buses/default").await["last_sequence"], json!(4));
    tramline_with(&["publish", "-f", "-"], &url, "{ no json")
        .await
        .ended(2);
    tramline_with(&["publish", "-f", "none.jsonl"], &url, "")
        .await
        .ended(2);
}

#[tokio::test]
async fn events_are_published_in_batches_that_are_stored_whole_or_not_at_all() {
    let server = Server::start().await;
    let url = [("TRAMLINE_URL", server.url())];
    let args = [
        "publish", "--type", "t", "--count", "25", "--batch", "10", "-o", "jsonl",
    ];
    let ran = tramline_with(&args, &url, "").await.ended(0);
    let replies: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let sizes: Vec<_> = replies
        .iter()
        .map(|reply| reply["results"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [10, 10, 5]);
    // What a plain event may leave out is filled in, and the data stays as it is written.
    let lines = "{\"type\":\"t\",\"source\":\"/f\",\"data\":{\"n\": 1.50}}\n{\"id\":\"x\",\"source\":\"/f\",\"type\":\"t\",\"specversion\":\"1.0\"}";
    let ran = tramline_with(&["publish", "-f", "-", "--batch", "5"], &url, lines)
        .await
        .ended(0);
    assert_eq!(ran.stdout.lines().count(), 2);
    let stored = server.request(reqwest::Method::GET, "/v1/buses/default/events/26");
    let stored = stored.send().await.unwrap().text().await.unwrap();
    assert!(stored.contains(r#"{"n": 1.50}"#), "{stored}");
    let lines = format!("{lines}\n{{\"source\":\"/f\"}}");
    let ran = tramline_with(&["publish", "-f", "-", "--batch", "2"], &url, &lines)
        .await
        .ended(2);
    assert!(
        ran.stderr.contains("2 events were accepted before"),
        "{}",
        ran.stderr
    );
    assert_eq!(server.last_sequence().await, 28);
    tramline_with(&["publish", "--type", "t", "--batch", "0"], &url, "")
        .await
        .ended(2);
}

#[tokio::test]
async fn answers_come_as_yaml_too() {
    let server = Server::start().await;
    let url = [("TRAMLINE_URL", server.url())];
    let yaml = async |args: &[&str]| {
        tramline_with(&[args, &["-o", "yaml"]].concat(), &url, "")
            .await
            .ended(0)
            .stdout
    };
    let published = yaml(&["publish", "--type", "t", "--id", "7", "--data", "[1.50]"]).await;
    assert!(
        published.starts_with("---\nresults:\n  - id: \"7\"\n    source: /tramline/cli\n    sequence: 1\n"),
        "{published}"
    );
    let event = yaml(&["event", "get", "1"]).await;
    assert!(event.contains("\n  data:\n    - 1.50\n"), "{event}");
    let tail = yaml(&["tail", "--since", "earliest", "-n", "1"]).await;
    assert!(tail.starts_with("---\nsequence: 1\nevent:\n"), "{tail}");
    assert_eq!(yaml(&["dlq", "list"]).await, "---\n[]\n");
    assert!(yaml(&["status"]).await.contains("\nstorage: sqlite\n"));
}

#[tokio::test]
async fn an_event_is_shown_and_traced() {
    let (server, sink) = (Server::start().await, Sink::start().await);
    server.apply(&rules_file("r", "t", &sink.url("/"))).await;
    server.apply(&rules_file("other", "u", &sink.url("/"))).await;
    server.publish(&event("1", "t", &json!({ "n": 1 }))).await;
    server.settled(1, "delivered").await;
    let shown = tramline(&["event", "get", "1", "--url", server.url()])
        .await
        .ended(0);
    assert_eq!(shown.json()["event"], event("1", "t", &json!({ "n": 1 })));
    let traced = tramline(&["event", "trace", "1", "--url", server.url()])
        .await
        .ended(0)
        .stdout;
    for expected in ["r/hook  delivered", "  1  ", "not other: type has"] {
        assert!(traced.contains(expected), "{expected} in\n{traced}");
    }
    let traced = tramline(&["event", "trace", "1", "--url", server.url(), "-o", "json"])
        .await
        .ended(0);
    assert_eq!(traced.json()["routes"][0]["state"], json!("delivered"));
    for verb in ["get", "trace"] {
        tramline(&["event", verb, "9", "--url", server.url()])
            .await
            .ended(5);
        tramline(&["event", verb, "x", "--url", server.url()])
            .await
            .ended(2);
    }
}

#[tokio::test]
async fn dead_letters_are_listed_and_given_back() {
    let server = Server::start().await;
    let sink = Sink::answering(|_| Answer::Status(400)).await;
    server.apply(&rules_file("r", "t", &sink.url("/"))).await;
    server.publish(&event("1", "t", &json!(1))).await;
    server.publish(&event("2", "t", &json!(2))).await;
    server.dead_letters(2).await;
    let listed = tramline(&["dlq", "list", "--url", server.url()])
        .await
        .ended(0)
        .stdout;
    assert!(
        listed.contains("default:r/hook") && listed.lines().count() == 3,
        "{listed}"
    );
    let listed = tramline(&["dlq", "list", "--url", server.url(), "-o", "json", "--rule", "r"])
        .await
        .ended(0);
    let letters: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    let none = tramline(&["dlq", "list", "--url", server.url(), "-o", "json", "--rule", "x"])
        .await
        .ended(0);
    assert_eq!(none.json(), json!([]));
    sink.answer(|_| Answer::Status(200));
    let dry = tramline(&["dlq", "redrive", "--url", server.url(), "--dry-run"])
        .await
        .ended(0);
    assert_eq!(dry.stdout, "2 dead letters would be given back\n");
    let id = letters[0]["id"].as_str().unwrap();
    let one = tramline(&["dlq", "redrive", "--url", server.url(), "-o", "json", id])
        .await
        .ended(0);
    assert_eq!(one.json()["total"], json!(1));
    let rest = tramline(&["dlq", "redrive", "--url", server.url()])
        .await
        .ended(0)
        .stdout;
    assert!(rest.contains("1 of 1 given back"), "{rest}");
    server.settled(1, "delivered").await;
    server.settled(2, "delivered").await;
}

#[tokio::test]
async fn status_and_the_openapi_document_are_those_of_the_server() {
    let server = Server::start().await;
    let said = tramline(&["status", "--url", server.url()]).await.ended(0).stdout;
    assert!(
        said.starts_with(concat!("tramline ", env!("CARGO_PKG_VERSION"))),
        "{said}"
    );
    let status = tramline(&["status", "--url", server.url(), "-o", "json"])
        .await
        .ended(0)
        .json();
    assert_eq!(status["log"], server.get("/v1/status").await["log"]);
    let document = tramline(&["openapi"]).await.ended(0).json();
    assert_eq!(document, server.get("/openapi.json").await);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_code_three() {
    let url = "http://127.0.0.1:1";
    for args in [
        &["status"][..],
        &["publish", "--type", "t"],
        &["tail"],
        &["rules", "list"],
        &["dlq", "list"],
    ] {
        let ran = tramline(&[args, &["--url", url]].concat()).await.ended(3);
        assert!(
            ran.stderr.contains(url) && ran.stderr.contains("refused"),
            "{}",
            ran.stderr
        );
        assert_eq!(ran.stdout, "");
    }
}

#[tokio::test]
async fn a_conflict_is_code_six() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("r.json").display().to_string();
    std::fs::write(&path, rules_file("r", "a", "https://example.com/")).unwrap();
    let server = Server::start_with(&["--rules", &path]).await;
    let other = dir.path().join("other.json").display().to_string();
    std::fs::write(&other, rules_file("r", "b", "https://example.com/")).unwrap();
    let ran = tramline(&["rules", "apply", &other, "--url", server.url()])
        .await
        .ended(6);
    assert!(ran.stderr.contains("owned-by-file"), "{}", ran.stderr);
}

#[tokio::test]
async fn one_event_is_published_as_often_as_asked_for() {
    let server = Server::start().await;
    let args = ["publish", "--url", server.url(), "--type", "t", "--count", "3"];
    let ran = tramline(&args).await.ended(0);
    assert_eq!((ran.stdout.lines().count(), server.last_sequence().await), (3, 3));
    tramline(&[&args[..], &["--id", "same"]].concat()).await.ended(2);
}

#[tokio::test]
async fn an_address_that_others_reach_needs_a_word() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data").display().to_string();
    let ran = tramline(&["serve", "--listen", "0.0.0.0:0", "--data-dir", &data])
        .await
        .ended(2);
    assert!(ran.stderr.contains("--insecure"), "{}", ran.stderr);
    assert!(!dir.path().join("data").exists());
    let sizes = ["--segment-size", "65536"];
    let ran = tramline(
        &[
            &["serve", "--listen", "127.0.0.1:0", "--data-dir", &data],
            &sizes[..],
        ]
        .concat(),
    )
    .await;
    assert!(ran.ended(2).stderr.contains("--max-batch-bytes must be"));
}

#[tokio::test]
async fn a_flag_beats_the_environment_the_environment_a_file_and_a_file_the_default() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("tramline.toml").display().to_string();
    std::fs::write(
        &file,
        "listen = \"127.0.0.1:1\"\ndata-dir = \"from-file\"\nmax-batch-events = 7\negress-allow = [\"10.0.0.0/8\"]\n",
    )
    .unwrap();
    let variables = [
        ("TRAMLINE_LISTEN", "127.0.0.1:2"),
        ("TRAMLINE_DATA_DIR", "from-environment"),
        (
            "TRAMLINE_DATABASE_URL",
            "postgres://me:hunter2@db/x?password=hunter2",
        ),
        ("TRAMLINE_RULES", "a.yaml,b.yaml"),
        ("TRAMLINE_CONFIG", &file),
    ];
    let args = ["serve", "--print-config", "--listen", "127.0.0.1:3"];
    let shown = tramline_with(&args, &variables, "").await.ended(0).stdout;
    let file_source = format!("# file {file}");
    for (name, value, source) in [
        ("listen", "\"127.0.0.1:3\"", "# flag"),
        ("data-dir", "\"from-environment\"", "# environment"),
        ("max-batch-events", "7", file_source.as_str()),
        ("egress-allow", "[\"10.0.0.0/8\"]", &file_source),
        ("rules", "[\"a.yaml\",\"b.yaml\"]", "# environment"),
        ("max-event-bytes", "1048576", "# default"),
    ] {
        let line = shown
            .lines()
            .find(|line| line.starts_with(&format!("{name} = ")))
            .unwrap();
        assert!(line.contains(value) && line.ends_with(source), "{line}");
    }
    assert!(
        shown.contains("postgres://me:***@db/x") && !shown.contains("hunter2"),
        "{shown}"
    );
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_code_two_and_named() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("tramline.toml").display().to_string();
    std::fs::write(&file, "lisen = \"127.0.0.1:1\"\n").unwrap();
    let ran = tramline(&["serve", "--config", &file]).await.ended(2);
    assert!(ran.stderr.contains("lisen"), "{}", ran.stderr);
    tramline(&["serve", "--config", "none.toml"]).await.ended(2);
    let ran = tramline_with(&["serve"], &[("TRAMLINE_LISTEN", "nowhere")], "")
        .await
        .ended(2);
    assert!(ran.stderr.contains("listen"), "{}", ran.stderr);
    tramline(&["serve", "--listen", "nowhere"]).await.ended(2);
}

#[tokio::test]
async fn the_port_file_holds_the_port_alone() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("port").display().to_string();
    let server = Server::start_with(&["--port-file", &file]).await;
    let port = std::fs::read_to_string(&file).unwrap();
    assert!(server.url().ends_with(&format!(":{port}")), "{port:?}");
}
