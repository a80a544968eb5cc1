//! What the server tells about deliveries on the bus `system`.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::support::Answer;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::eventually;
use crate::support::rule;

/// The data of the events of a type on the bus `system`.
async fn told(server: &Server, kind: &str) -> Vec<Value> {
    let list = server
        .get(&format!("/v1/buses/system/events?limit=1000&type={kind}"))
        .await;
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["event"]["data"].clone()).collect()
}

#[tokio::test]
async fn a_dead_letter_is_told_on_the_bus_system_and_a_rule_there_takes_it_elsewhere() {
    let server = Server::start().await;
    let (refusing, alarm) = (
        Sink::answering(|_| Answer::Status(400)).await,
        Sink::start().await,
    );
    let on_system = rule("tramline.dead_letter.created", &alarm.url("/"));
    let path = "/v1/buses/system/rules/alarm";
    assert_eq!(server.put(path, &on_system).await.0, 201);
    let path = "/v1/buses/default/rules/r";
    server.put(path, &rule("t", &refusing.url("/"))).await;
    server.publish(&event("1", "t", &json!(1))).await;
    let letter = server.dead_letters(1).await.remove(0);
    let heard = alarm.wait_for(1).await[0].json();
    assert_eq!(
        (&heard["type"], &heard["source"], &heard["subject"]),
        (
            &json!("tramline.dead_letter.created"),
            &json!("/tramline"),
            &json!("default/r/hook")
        )
    );
    assert_eq!(
        heard["data"],
        json!({
            "bus": "default", "rule": "r", "target": "hook", "code": "rejected-400", "reason": letter["reason"],
            "count": 1, "sequences": [1], "letters": [letter["id"]],
        })
    );
}

#[tokio::test]
async fn dead_letters_of_the_bus_system_itself_are_not_told_there() {
    let server = Server::start().await;
    let refusing = Sink::answering(|_| Answer::Status(400)).await;
    let any = json!({ "match": { "type": [{ "prefix": "" }] }, "targets": [{ "name": "hook", "webhook": { "url": refusing.url("/") } }] });
    for bus in ["system", "default"] {
        let path = format!("/v1/buses/{bus}/rules/r");
        assert_eq!(server.put(&path, &any).await.0, 201);
    }
    server.publish(&event("1", "t", &json!(1))).await;
    // One letter of the event, and one of the event that tells of it.
    server.dead_letters(2).await;
    server.publish(&event("2", "t", &json!(2))).await;
    server.dead_letters(4).await;
    let count: u64 = told(&server, "tramline.dead_letter.created")
        .await
        .iter()
        .map(|data| data["count"].as_u64().unwrap())
        .sum();
    assert_eq!(count, 2);
    let metrics = server.request(Method::GET, "/metrics").send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let line = "tramline_system_events_total{type=\"tramline.dead_letter.created\"} 4";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn of_a_storm_of_dead_letters_every_one_is_counted() {
    let server = Server::start().await;
    let refusing = Sink::answering(|_| Answer::Status(400)).await;
    let path = "/v1/buses/default/rules/r";
    server.put(path, &rule("t", &refusing.url("/"))).await;
    let all: Vec<_> = (0..2_000)
        .map(|n| event(&n.to_string(), "t", &json!(n)))
        .collect();
    let request = server
        .request(Method::POST, "/v1/buses/default/events")
        .header("content-type", "application/cloudevents-batch+json")
        .body(json!(all).to_string());
    assert_eq!(server.call(request).await.0, 202);
    eventually("all of them are told", async || {
        let letters = told(&server, "tramline.dead_letter.created").await;
        let missed = told(&server, "tramline.system.missed").await;
        let counts = letters
            .iter()
            .chain(&missed)
            .map(|data| data["count"].as_u64().unwrap());
        (counts.sum::<u64>() == 2_000).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_bus_system_always_exists_and_only_the_server_publishes_there() {
    let mut server = Server::start().await;
    let (status, problem) = server.delete("/v1/buses/system").await;
    assert_eq!((status, &problem["code"]), (409, &json!("system-bus")));
    let request = server
        .request(Method::POST, "/v1/buses/system/events")
        .header("content-type", "application/cloudevents+json")
        .body(event("1", "tramline.dead_letter.created", &json!(1)).to_string());
    let (status, problem) = server.call(request).await;
    assert_eq!((status, &problem["code"]), (403, &json!("reserved-bus")));
    assert!(server.stop().await.success());
    server.restart().await;
    let bus = server.get("/v1/buses/system").await;
    assert_eq!(bus["last_sequence"], json!(0));
}
