//! Reading a bus: the live tail as server-sent events, and lists in pages.

use std::time::Instant;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::Server;
use crate::support::Stream;
use crate::support::event;
use crate::support::named;
use crate::support::rule;
use crate::support::rules_file;
use crate::support::tramline;

async fn publish(server: &Server, kind: &str, ids: std::ops::RangeInclusive<u64>) {
    for n in ids {
        server
            .publish(&event(&n.to_string(), kind, &json!({ "n": n })))
            .await;
    }
}

/// Publishes in the background, as another client.
fn publish_meanwhile(server: &Server, ids: std::ops::RangeInclusive<u64>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let (client, url) = (server.client(), format!("{}/events", server.url()));
    tasks.spawn(async move {
        for n in ids {
            let request = client
                .post(&url)
                .header("content-type", "application/cloudevents+json")
                .body(event(&n.to_string(), "t", &json!({ "n": n })).to_string());
            assert_eq!(request.send().await.unwrap().status(), 202);
        }
    });
    tasks
}

fn sequences(list: &Value) -> Vec<u64> {
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["sequence"].as_u64().unwrap())
        .collect()
}

async fn list(server: &Server, query: &str) -> Value {
    server.get(&format!("/v1/buses/default/events?{query}")).await
}

#[tokio::test]
async fn the_tail_shows_events_as_they_come() {
    let server = Server::start().await;
    publish(&server, "t", 1..=1).await;
    let mut tail = Stream::open(&server, &[], None).await;
    publish(&server, "t", 2..=2).await;
    let block = tail.next().await;
    assert_eq!((block.id.as_str(), block.event.as_str()), ("2", "event"));
    let data = block.json();
    assert_eq!((&data["sequence"], &data["matched"]), (&json!(2), &json!([])));
    assert_eq!(data["event"]["data"], json!({ "n": 2 }));
}

#[tokio::test]
async fn the_tail_shows_what_its_filters_admit() {
    let server = Server::start().await;
    server.apply(&rules_file("r", "b", "https://example.com/")).await;
    publish(&server, "a", 1..=1).await;
    publish(&server, "b", 2..=3).await;
    publish(&server, "a", 4..=4).await;
    let filters = [
        ("type", "a", vec![1, 4]),
        ("rule", "r", vec![2, 3]),
        ("match", r#"{"data":{"n":[{"numeric":[">",2]}]}}"#, vec![3, 4]),
        ("match", r#"{"sql":"type = 'a'"}"#, vec![1, 4]),
        ("match", r#"{"filters":[{"exact":{"type":"b"}}]}"#, vec![2, 3]),
        ("source", "/tests", vec![1, 2, 3, 4]),
    ];
    for (name, value, expected) in filters {
        let mut tail = Stream::open(&server, &[("from", "earliest"), (name, value)], None).await;
        let blocks = tail.take(expected.len()).await;
        let found: Vec<_> = blocks.iter().map(crate::support::Block::sequence).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[tokio::test]
async fn an_event_is_shown_for_each_of_its_rules_however_many_they_are() {
    let server = Server::start().await;
    let rules: Vec<_> = (0..150)
        .map(|n| named(&format!("r{n:03}"), rule("t", "https://example.com/")))
        .collect();
    server.post("/v1/apply", &json!({ "rules": rules })).await;
    publish(&server, "t", 1..=1).await;
    for name in ["r000", "r149"] {
        let mut tail = Stream::open(&server, &[("from", "earliest"), ("rule", name)], None).await;
        assert_eq!(tail.next().await.json()["matched"].as_array().unwrap().len(), 100);
    }
}

#[tokio::test]
async fn a_tail_that_breaks_again_and_again_resumes_without_gap_or_repeat() {
    let server = Server::start().await;
    let mut publisher = publish_meanwhile(&server, 1..=200);
    let (mut seen, mut last) = (Vec::new(), 0);
    while last < 200 {
        let mut tail = Stream::open(&server, &[], Some(last)).await;
        for block in tail.take(7.min(200 - seen.len())).await {
            last = block.sequence();
            seen.push(last);
        }
    }
    assert_eq!(seen, (1..=200).collect::<Vec<_>>());
    publisher.join_next().await.unwrap().unwrap();
}

#[tokio::test]
async fn a_tail_that_breaks_before_its_first_event_resumes_where_it_began() {
    let server = Server::start().await;
    publish(&server, "t", 1..=3).await;
    let start = Stream::open(&server, &[], None).await.start().clone();
    assert_eq!(
        (start.id.as_str(), start.event.as_str(), start.data.as_str()),
        ("3", "", "")
    );
    publish(&server, "t", 4..=4).await;
    let mut tail = Stream::open(&server, &[], Some(start.sequence())).await;
    assert_eq!(tail.next().await.sequence(), 4);
    let start = Stream::open(&server, &[("from", "earliest")], None)
        .await
        .start()
        .clone();
    assert_eq!(start.id, "0");
}

#[tokio::test]
async fn a_tail_without_a_match_moves_its_client_on() {
    let server = Server::start().await;
    let mut tail = Stream::open(&server, &[("type", "other")], None).await;
    let started = Instant::now();
    publish(&server, "t", 1..=3).await;
    let block = tail.next().await;
    assert_eq!(
        (block.id.as_str(), block.event.as_str(), block.data.as_str()),
        ("3", "", "")
    );
    assert!(started.elapsed().as_secs() < 8, "{:?}", started.elapsed());
    publish(&server, "other", 4..=4).await;
    assert_eq!(tail.next().await.sequence(), 4);
}

#[tokio::test]
async fn a_tail_moves_its_client_on_while_events_that_do_not_match_never_pause() {
    let server = Server::start().await;
    let mut tail = Stream::open(&server, &[("type", "other")], None).await;
    let _publisher = publish_meanwhile(&server, 1..=u64::MAX);
    let started = Instant::now();
    let block = tail.next().await;
    assert!(block.sequence() > 0 && block.event.is_empty());
    assert!(started.elapsed().as_secs() < 8, "{:?}", started.elapsed());
}

#[tokio::test]
async fn an_id_ahead_of_the_bus_is_a_conflict() {
    let server = Server::start().await;
    publish(&server, "t", 1..=2).await;
    let request = |last: u64| {
        server
            .request(Method::GET, "/v1/buses/default/tail")
            .header("last-event-id", last)
    };
    let (status, problem) = server.call(request(3)).await;
    assert_eq!((status, &problem["code"]), (409, &json!("sequence-ahead")));
    assert_eq!(request(2).send().await.unwrap().status(), 200);
    let (status, problem) = server
        .call(server.request(Method::GET, "/v1/buses/none/tail"))
        .await;
    assert_eq!((status, &problem["code"]), (404, &json!("no-such-bus")));
}

#[tokio::test]
async fn the_command_ends_after_as_many_events_as_it_is_asked_for() {
    let server = Server::start().await;
    publish(&server, "t", 1..=5).await;
    let args = ["tail", "--url", server.url(), "--since", "2", "-n", "3"];
    let lines = tramline(&args).await.ended(0).stdout;
    let starts: Vec<_> = lines
        .lines()
        .map(|line| line.split("  ").next().unwrap())
        .collect();
    assert_eq!(starts, ["2", "3", "4"]);
    let args = [
        "tail",
        "--url",
        server.url(),
        "--since",
        "earliest",
        "-n",
        "1",
        "-o",
        "jsonl",
    ];
    let entry = tramline(&args).await.ended(0).json();
    assert_eq!(
        (&entry["sequence"], &entry["event"]["id"]),
        (&json!(1), &json!("1"))
    );
    tramline(&["tail", "--url", server.url(), "--bus", "none"])
        .await
        .ended(5);
}

#[tokio::test]
async fn a_list_begins_where_it_is_asked_to() {
    let server = Server::start().await;
    publish(&server, "t", 1..=5).await;
    assert_eq!(sequences(&list(&server, "").await), [1, 2, 3, 4, 5]);
    assert_eq!(sequences(&list(&server, "from=earliest&limit=2").await), [1, 2]);
    assert_eq!(sequences(&list(&server, "from=4").await), [4, 5]);
    assert_eq!(sequences(&list(&server, "from=latest").await), [0; 0]);
    assert_eq!(
        sequences(&list(&server, "from=2000-01-01T00:00:00Z").await),
        [1, 2, 3, 4, 5]
    );
    assert_eq!(
        sequences(&list(&server, "from=2999-01-01T00:00:00%2B01:00").await),
        [0; 0]
    );
    for bad in [
        "from=soon",
        "limit=0",
        "limit=1001",
        "cursor=%21",
        "wait=long",
        "unknown=1",
    ] {
        let path = format!("/v1/buses/default/events?{bad}");
        let (status, problem) = server.call(server.request(Method::GET, &path)).await;
        assert_eq!(
            (status, &problem["status"]),
            (400, &json!(400)),
            "{bad}: {problem}"
        );
    }
}

#[tokio::test]
async fn a_list_shows_what_its_filters_admit() {
    let server = Server::start().await;
    publish(&server, "a", 1..=3).await;
    publish(&server, "b", 4..=4).await;
    let other = json!({ "specversion": "1.0", "id": "1", "source": "/other?x=y", "type": "a" });
    server.publish(&other).await;
    assert_eq!(sequences(&list(&server, "type=a").await), [1, 2, 3, 5]);
    assert_eq!(sequences(&list(&server, "source=/other%3Fx%3Dy").await), [5]);
    assert_eq!(sequences(&list(&server, "source=/tests&id=1").await), [1]);
    assert_eq!(sequences(&list(&server, "id=1").await), [1, 5]);
    assert_eq!(
        list(&server, "type=none").await,
        json!({ "items": [], "next_cursor": null })
    );
}

#[tokio::test]
async fn pages_lead_to_the_end_without_gap_or_repeat_while_publishing_goes_on() {
    let server = Server::start().await;
    publish(&server, "t", 1..=20).await;
    let mut publisher = publish_meanwhile(&server, 21..=200);
    let (mut seen, mut query) = (Vec::new(), "limit=7".to_owned());
    while seen.len() < 200 {
        let page = list(&server, &query).await;
        seen.extend(sequences(&page));
        query = match page["next_cursor"].as_str() {
            Some(cursor) => {
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
                assert!(cursor.bytes().all(is_plain), "{cursor}");
                format!("limit=7&cursor={cursor}")
            }
            None => format!("limit=7&wait=10s&from={}", seen.len() + 1),
        };
    }
    assert_eq!(seen, (1..=200).collect::<Vec<_>>());
    publisher.join_next().await.unwrap().unwrap();
    assert_eq!(
        list(&server, "from=151&limit=50").await["next_cursor"],
        Value::Null
    );
}

#[tokio::test]
async fn a_page_of_large_events_ends_early_and_says_where_to_go_on() {
    let server = Server::start().await;
    let data = json!("x".repeat(1_000_000));
    for n in 0..10 {
        server.publish(&event(&n.to_string(), "t", &data)).await;
    }
    let first = list(&server, "limit=1000").await;
    assert_eq!(sequences(&first), (1..=9).collect::<Vec<_>>());
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = list(&server, &format!("limit=1000&cursor={cursor}")).await;
    assert_eq!((sequences(&rest), &rest["next_cursor"]), (vec![10], &Value::Null));
}

#[tokio::test]
async fn a_list_with_nothing_to_show_waits_for_something() {
    let server = Server::start().await;
    let started = Instant::now();
    assert_eq!(sequences(&list(&server, "wait=200ms").await), [0; 0]);
    assert!(started.elapsed().as_millis() >= 200);
    let (waited, ()) = tokio::join!(list(&server, "type=b&from=latest&wait=30s"), async {
        publish(&server, "a", 1..=2).await;
        publish(&server, "b", 3..=3).await;
    });
    assert_eq!(sequences(&waited), [3]);
    assert!(started.elapsed().as_secs() < 20);
}

#[tokio::test]
async fn a_list_can_be_had_as_a_batch() {
    let server = Server::start().await;
    publish(&server, "t", 1..=2).await;
    let request = server
        .request(Method::GET, "/v1/buses/default/events")
        .header("accept", "application/cloudevents-batch+json");
    let response = request.send().await.unwrap();
    assert_eq!(
        response.headers()["content-type"],
        "application/cloudevents-batch+json"
    );
    let sent = [
        event("1", "t", &json!({ "n": 1 })),
        event("2", "t", &json!({ "n": 2 })),
    ];
    assert_eq!(response.json::<Value>().await.unwrap(), json!(sent));
}
