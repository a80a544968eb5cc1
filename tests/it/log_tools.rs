//! `tramline log` on real directories: sound, in use, damaged, torn.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use sha2::Digest as _;
use sha2::Sha256;

use crate::support::Ran;
use crate::support::Server;
use crate::support::Stream;
use crate::support::event;
use crate::support::tramline;

async fn log(verb: &str, server: &Server, output: &str) -> Ran {
    tramline(&["log", verb, "-o", output, "--data-dir", &server.data_dir()]).await
}

async fn with_events(count: u64) -> Server {
    let server = Server::start().await;
    for n in 1..=count {
        server
            .publish(&event(&n.to_string(), "t", &json!(format!("needle-{n}"))))
            .await;
    }
    server
}

/// Every file below a directory with the hash of its bytes, the lock left out.
fn hashes(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut left) = (BTreeMap::new(), vec![dir.to_owned()]);
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if !path.ends_with("LOCK") {
            let hash = Sha256::digest(fs::read(&path).unwrap()).to_vec();
            found.insert(path, hash);
        }
    }
    found
}

fn segment(server: &Server) -> PathBuf {
    Path::new(&server.data_dir()).join("log/00000000000000000000.seg")
}

#[tokio::test]
async fn a_log_at_rest_is_listed_and_found_sound() {
    let mut server = with_events(3).await;
    assert!(server.stop().await.success());
    let report = log("verify", &server, "json").await.ended(0).json();
    assert_eq!((&report["events"], &report["in_use"]), (&json!(3), &json!(false)));
    assert_eq!(
        (&report["torn_bytes"], &report["damage"]),
        (&json!(0), &json!([]))
    );
    assert_eq!(
        report["buses"],
        json!([{
            "bus": 1, "first": 1, "next": 4, "read": 3, "gaps": [], "missing": [], "unaccounted": 0,
        }])
    );
    let said = log("verify", &server, "table").await.ended(0).stdout;
    assert!(said.contains("3 events") && said.contains("no damage"), "{said}");
    let frames = log("inspect", &server, "json").await.ended(0).json();
    let frames = frames.as_array().unwrap();
    let events: u64 = frames.iter().map(|frame| frame["events"].as_u64().unwrap()).sum();
    assert_eq!(events, 3);
    let said = log("inspect", &server, "table").await.ended(0).stdout;
    assert!(
        said.starts_with("position") && said.contains("closed in order"),
        "{said}"
    );
}

#[tokio::test]
async fn a_log_in_use_is_checked_up_to_what_is_durable() {
    let server = with_events(5).await;
    let report = log("verify", &server, "json").await.ended(0).json();
    assert_eq!((&report["in_use"], &report["damage"]), (&json!(true), &json!([])));
    assert_eq!(report["events"], json!(5));
    let frames = log("inspect", &server, "jsonl").await.ended(0).stdout;
    let events: u64 = frames
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["events"]
                .as_u64()
                .unwrap()
        })
        .sum();
    assert_eq!(events, 5);
    server.publish(&event("6", "t", &json!(6))).await;
}

#[tokio::test]
async fn f51_a_flipped_byte_is_named_and_the_server_refuses_to_start_on_it() {
    let mut server = with_events(9).await;
    assert!(server.stop().await.success());
    let segment = segment(&server);
    let mut bytes = fs::read(&segment).unwrap();
    let needle = bytes.windows(8).position(|bytes| bytes == b"needle-4").unwrap();
    bytes[needle] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let before = hashes(server.dir());

    let report = log("verify", &server, "json").await.ended(1).json();
    let damage = report["damage"][0].as_str().unwrap();
    let named = [
        "00000000000000000000.seg",
        "positions ",
        "bus 1 lacks sequences 4..5",
    ];
    assert!(named.iter().all(|part| damage.contains(part)), "{damage}");
    let said = log("inspect", &server, "table").await.ended(1).stderr;
    assert!(said.contains(damage), "{said}");

    let refused = tramline(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        &server.data_dir(),
    ])
    .await
    .ended(1);
    assert!(refused.stderr.contains(damage), "{}", refused.stderr);
    assert_eq!(hashes(server.dir()), before);
}

/// Damages the fourth of nine events of a log at rest.
async fn with_the_fourth_damaged() -> Server {
    let mut server = with_events(9).await;
    assert!(server.stop().await.success());
    let segment = segment(&server);
    let mut bytes = fs::read(&segment).unwrap();
    let needle = bytes.windows(8).position(|bytes| bytes == b"needle-4").unwrap();
    bytes[needle] ^= 1;
    fs::write(&segment, bytes).unwrap();
    server
}

async fn repair(server: &Server, output: &str) -> Ran {
    tramline(&[
        "log",
        "repair",
        "--quarantine",
        "-o",
        output,
        "--data-dir",
        &server.data_dir(),
    ])
    .await
}

#[tokio::test]
async fn f51_damage_is_set_aside_and_the_bytes_are_kept() {
    let server = with_the_fourth_damaged().await;
    let before = hashes(server.dir());
    let said = log("repair", &server, "table").await.ended(2).stderr;
    assert!(said.contains("--quarantine"), "{said}");
    assert_eq!(hashes(server.dir()), before);

    let report = repair(&server, "json").await.ended(0).json();
    assert_eq!(report["gaps"], json!([{ "bus": 1, "first": 4, "next": 5 }]));
    let kept = fs::read(report["quarantined"][0].as_str().unwrap()).unwrap();
    assert!(
        kept.windows(7).any(|bytes| bytes == b"eedle-4"),
        "the damaged event"
    );
    let report = log("verify", &server, "json").await.ended(0).json();
    let bus = &report["buses"][0];
    assert_eq!(bus["gaps"], json!([{ "first": 4, "next": 5 }]));
    assert_eq!((&bus["read"], &bus["unaccounted"]), (&json!(8), &json!(0)));
    let frames = log("inspect", &server, "jsonl").await.ended(0).stdout;
    assert!(
        frames.contains(r#""gaps":[{"bus":1,"first":4,"next":5}]"#),
        "{frames}"
    );

    let before = hashes(server.dir());
    let report = repair(&server, "json").await.ended(0).json();
    assert_eq!(report["repaired"], json!([]), "nothing is left to repair");
    assert_eq!(hashes(server.dir()), before);
}

#[tokio::test]
async fn f51_every_reader_of_a_repaired_log_is_told_what_is_lost() {
    let mut server = with_the_fourth_damaged().await;
    repair(&server, "table").await.ended(0);
    server.restart().await;
    let gap = json!({ "from": 4, "to": 4, "reason": "lost" });
    let events = "/v1/buses/default/events";
    let list = server.get(events).await;
    assert_eq!(
        (&list["items"][3]["sequence"], &list["gaps"]),
        (&json!(5), &json!([gap]))
    );
    let path = format!("{events}/4");
    let (status, problem) = server.call(server.request(Method::GET, &path)).await;
    assert_eq!((status, &problem["code"]), (410, &json!("event-lost")));
    let batch = server.request(Method::GET, events);
    let batch = batch.header("accept", "application/cloudevents-batch+json");
    let batch = batch.send().await.unwrap();
    assert_eq!(batch.headers()["tramline-gaps"], "4-4");
    let mut tail = Stream::open(&server, &[("from", "earliest")], None).await;
    for sequence in 1..=9 {
        let block = tail.next().await;
        let kind = if sequence == 4 { "gap" } else { "event" };
        assert_eq!((block.sequence(), block.event.as_str()), (sequence, kind));
        if sequence == 4 {
            assert_eq!(block.json(), gap);
        }
    }

    let next = server.publish(&event("10", "t", &json!(10))).await;
    assert_eq!(next["sequence"], json!(10));
    let refused = repair(&server, "table").await.ended(1).stderr;
    assert!(refused.contains("is in use"), "{refused}");
}

#[tokio::test]
async fn f51_a_torn_tail_is_removed_and_everything_acknowledged_is_there() {
    let mut server = with_events(7).await;
    server.kill().await;
    let frames = log("inspect", &server, "json").await.ended(0).json();
    let last = frames.as_array().unwrap().last().unwrap().clone();
    let end = last["position"].as_u64().unwrap() + last["bytes"].as_u64().unwrap();
    let mut bytes = fs::read(segment(&server)).unwrap();
    let end = usize::try_from(end).unwrap();
    bytes[end..end + 1_000].fill(0xab);
    fs::write(segment(&server), bytes).unwrap();

    let report = log("verify", &server, "json").await.ended(0).json();
    assert_eq!(
        (&report["torn_bytes"], &report["damage"]),
        (&json!(1_000), &json!([]))
    );
    server.restart().await;
    let all = server.get("/v1/buses/default/events").await;
    let found: Vec<_> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["event"]["data"].clone())
        .collect();
    let sent: Vec<_> = (1..=7).map(|n| json!(format!("needle-{n}"))).collect();
    assert_eq!(found, sent);
    let next = server.publish(&event("8", "t", &json!(8))).await;
    assert_eq!(next["sequence"], json!(8));
    assert!(server.stop().await.success());
    let report = log("verify", &server, "json").await.ended(0).json();
    assert_eq!((&report["torn_bytes"], &report["events"]), (&json!(0), &json!(8)));
}

#[tokio::test]
async fn a_directory_in_use_is_refused_with_the_pid_of_its_server() {
    let server = with_events(1).await;
    let refused = tramline(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        &server.data_dir(),
    ])
    .await
    .ended(2);
    assert!(
        refused.stderr.contains(&format!("process {}", server.pid())),
        "{}",
        refused.stderr
    );
    server.publish(&event("2", "t", &json!(2))).await;
}

#[tokio::test]
async fn reports_come_as_yaml_too() {
    let mut server = with_events(2).await;
    assert!(server.stop().await.success());
    let report = log("verify", &server, "yaml").await.ended(0).stdout;
    assert!(
        report.starts_with("---\nin_use: false\nsegments: 1\n"),
        "{report}"
    );
    assert!(
        report.contains("\nbuses:\n  - bus: 1\n    first: 1\n    next: 3\n"),
        "{report}"
    );
    let frames = log("inspect", &server, "yaml").await.ended(0).stdout;
    let kinds = |kind: &str| frames.matches(&format!("\n  kind: {kind}\n")).count();
    assert!(kinds("append") >= 2 && kinds("mark") >= 1, "{frames}");
    assert!(frames.starts_with("---\n- position: 4096\n"), "{frames}");
    let repaired = repair(&server, "yaml").await.ended(0).stdout;
    assert_eq!(repaired, "---\nrepaired: []\ngaps: []\nquarantined: []\n");
}

#[tokio::test]
async fn a_directory_without_a_log_is_not_found_and_stays_as_it_is() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().display().to_string();
    for verb in [&["verify"][..], &["inspect"], &["repair", "--quarantine"]] {
        let args = [&["log"], verb, &["--data-dir", &path]].concat();
        let said = tramline(&args).await.ended(5).stderr;
        assert!(said.contains("there is no log in"), "{verb:?}: {said}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
