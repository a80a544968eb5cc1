//! What an event's timeline says of rules it missed.

use serde_json::json;

use super::put_rule;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;

#[tokio::test]
async fn the_nearest_misses_are_those_of_the_rules_that_decided() {
    let server = Server::start().await;
    let sink = Sink::start().await;
    let near = json!({
        "match": { "type": ["t"], "data": { "total": [{ "numeric": [">", 100] }] } },
        "targets": [{ "name": "hook", "webhook": { "url": sink.url("/") } }],
    });
    server.put("/v1/buses/default/rules/near", &near).await;
    put_rule(&server, "far", "other", &sink).await;
    server.publish(&event("1", "t", &json!({ "total": 20 }))).await;
    put_rule(&server, "late", "another", &sink).await;
    server.delete("/v1/buses/default/rules/far").await;
    let fate = server.get("/v1/buses/default/events/1/deliveries").await;
    let missed = fate["not_matched"].as_array().unwrap();
    let rules: Vec<_> = missed.iter().map(|miss| miss["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["far", "near"]);
    let near = &missed[1];
    assert!(near["path"].as_str().unwrap().contains("total"), "{near}");
    assert!(
        near["expected"].is_string() && near["found"].is_string(),
        "{near}"
    );
    assert_eq!((&fate["partial"], &fate["routes"]), (&json!(false), &json!([])));
}
