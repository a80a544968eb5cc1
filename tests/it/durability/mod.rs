//! Nothing acknowledged is ever lost: the ledger of what publishers were told, held against the log.

mod full_disk;
mod ledger;
mod power_cut;
mod publishers;

use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::eventually;
use crate::support::rules_file;
use crate::support::tramline;
use ledger::Ledger;
use publishers::Publishers;

/// Segments so small that the log of a test has several.
const SMALL: [&str; 6] = [
    "--segment-size",
    "262144",
    "--max-batch-bytes",
    "32768",
    "--max-event-bytes",
    "32768",
];

/// How often the server is killed; `KILLS` asks for more.
fn kills() -> usize {
    let kills = std::env::var("KILLS").ok();
    kills.and_then(|kills| kills.parse().ok()).unwrap_or(20)
}

#[tokio::test]
async fn i1_what_was_acknowledged_survives_twenty_kills() {
    let mut server = Server::start_with(&SMALL).await;
    let mut ledger = Ledger::default();
    for round in 0..kills() {
        let publishers = Publishers::start(&server, round, 4);
        publishers.acknowledged(2 + rand::random_range(0..25)).await;
        server.kill().await;
        ledger.take(publishers.end().await);
        tramline(&["log", "verify", "--data-dir", &server.data_dir()])
            .await
            .ended(0);
        server.restart().await;
        ledger.send_lost_again(&server).await;
    }
    ledger.is_all_there(&server).await;
    ledger.is_recognised(&server).await;
    assert!(server.stop().await.success());
    let report = tramline(&["log", "verify", "-o", "json", "--data-dir", &server.data_dir()]).await;
    let report = report.ended(0).json();
    assert!(report["segments"].as_u64().unwrap() >= 2, "{report}");
    assert_eq!(
        (&report["torn_bytes"], &report["damage"]),
        (&json!(0), &json!([]))
    );
}

#[tokio::test]
async fn every_acknowledged_event_arrives_however_often_the_server_is_killed() {
    let (mut server, sink) = (Server::start_with(&SMALL).await, Sink::start().await);
    server.apply(&rules_file("r", "t", &sink.url("/"))).await;
    let mut ledger = Ledger::default();
    for round in 0..6 {
        let publishers = Publishers::start(&server, round, 3);
        publishers.acknowledged(2 + rand::random_range(0..15)).await;
        server.kill().await;
        ledger.take(publishers.end().await);
        server.restart().await;
    }
    ledger.arrives_at(&sink).await;
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_server_that_is_asked_to_stop_ends_in_order_while_publishers_go_on() {
    let mut server = Server::start_with(&SMALL).await;
    let mut ledger = Ledger::default();
    let publishers = Publishers::start(&server, 0, 4);
    publishers.acknowledged(10).await;
    assert_eq!(server.stop().await.code(), Some(0));
    ledger.take(publishers.end().await);
    let said = tramline(&["log", "inspect", "--data-dir", &server.data_dir()])
        .await
        .ended(0);
    assert!(said.stdout.contains("closed in order"), "{}", said.stdout);
    server.restart().await;
    ledger.is_all_there(&server).await;
}

#[tokio::test]
async fn a_publish_that_is_under_way_when_the_server_is_asked_to_stop_is_finished() {
    let mut server = Server::start().await;
    let body = event("late", "t", &json!("x")).to_string();
    let address = server.url().strip_prefix("http://").unwrap().to_owned();
    let mut connection = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /events HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/cloudevents+json\r\n\
         content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body: it is at work on the request.
    let mut asked = [0; 25];
    connection.read_exact(&mut asked).await.unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100"));
    server.terminate().await;
    eventually("no new connections are taken", async || {
        TcpStream::connect(&address).await.err()
    })
    .await;
    connection.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert_eq!(server.ended().await.code(), Some(0));
    server.restart().await;
    assert_eq!(
        server.get("/v1/buses/default/events/1").await["event"]["id"],
        "late"
    );
}
