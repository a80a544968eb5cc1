//! Finding dead letters.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::publish;
use super::put_rule;
use super::until_dead;
use super::with_letters;
use crate::support::Answer;
use crate::support::Server;
use crate::support::Sink;

/// The rule and sequence of every letter that a query finds, page by page.
async fn found(server: &Server, query: &str) -> Vec<(String, u64)> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server
            .get(&format!("/v1/dead-letters?limit=7&{query}{cursor}"))
            .await;
        found.extend(page["items"].as_array().unwrap().iter().map(|letter| {
            let rule = letter["rule"].as_str().unwrap().to_owned();
            (rule, letter["sequence"].as_u64().unwrap())
        }));
        let Some(next) = page["next_cursor"].as_str() else {
            return found;
        };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn letters_are_found_by_rule_target_bus_code_and_time_in_pages() {
    let server = Server::start().await;
    let (bad, gone) = (
        Sink::answering(|_| Answer::Status(400)).await,
        Sink::answering(|_| Answer::Status(415)).await,
    );
    put_rule(&server, "bad", "a", &bad).await;
    put_rule(&server, "odd", "b", &gone).await;
    publish(&server, "a", 10).await;
    until_dead(&server, "bad", 10).await;
    publish(&server, "b", 10).await;
    until_dead(&server, "odd", 10).await;
    let all: BTreeSet<_> = found(&server, "").await.into_iter().collect();
    assert_eq!(all.len(), 20);
    let of = |rule: &str| {
        all.iter()
            .filter(|(name, _)| name == rule)
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(found(&server, "rule=bad").await, of("bad"));
    assert_eq!(found(&server, "code=rejected-415").await, of("odd"));
    assert_eq!(found(&server, "rule=bad&code=rejected-415").await, []);
    assert_eq!(found(&server, "target=hook&bus=default").await.len(), 20);
    assert_eq!(found(&server, "target=other").await, []);
    assert_eq!(found(&server, "bus=other").await, []);
    let letters = server.get("/v1/dead-letters?rule=odd").await;
    let times = letters["items"].as_array().unwrap().iter();
    let first = times
        .map(|letter| letter["last_at"].as_str().unwrap())
        .min()
        .unwrap();
    assert_eq!(found(&server, &format!("since={first}")).await, of("odd"));
    assert_eq!(found(&server, &format!("until={first}")).await, of("bad"));
    assert_eq!(found(&server, &format!("since={first}&until={first}")).await, []);
}

#[tokio::test]
async fn a_letter_is_shown_by_its_id_while_it_is_open() {
    let (server, sink) = with_letters(1).await;
    let letter = server.dead_letters(1).await.remove(0);
    let path = format!("/v1/dead-letters/{}", letter["id"].as_str().unwrap());
    assert_eq!(server.get(&path).await, letter);
    assert_eq!(letter["attempts"][0]["status"], json!(400));
    sink.answer(|_| Answer::Status(200));
    server
        .post(
            "/v1/dead-letters/redrive",
            &json!({ "filter": { "ids": [letter["id"]] } }),
        )
        .await;
    server.settled(1, "delivered").await;
    for (path, expected) in [
        (path.as_str(), (404, "no-such-dead-letter")),
        ("/v1/dead-letters/999-1", (404, "no-such-dead-letter")),
        ("/v1/dead-letters/x", (400, "invalid-id")),
    ] {
        let (status, problem) = server.call(server.request(Method::GET, path)).await;
        assert_eq!((status, problem["code"].as_str().unwrap()), expected);
    }
}

#[tokio::test]
async fn counts_and_codes_of_dead_letters_survive_a_crash() {
    let (mut server, sink) = with_letters(30).await;
    let ids: Vec<Value> = server
        .dead_letters(30)
        .await
        .into_iter()
        .map(|letter| letter["id"].clone())
        .collect();
    sink.answer(|_| Answer::Status(200));
    server
        .post(
            "/v1/dead-letters/redrive",
            &json!({ "filter": { "ids": ids[..10] } }),
        )
        .await;
    until_dead(&server, "r", 20).await;
    let discard = json!({ "filter": { "ids": ids[10..15] }, "reason": "not needed" });
    server.post("/v1/dead-letters/discard", &discard).await;
    let before = server.get("/v1/dead-letters?code=rejected-400").await;
    assert_eq!(before["items"].as_array().unwrap().len(), 15);
    server.kill().await;
    server.restart().await;
    assert_eq!(server.route("r", "hook").await["dead"], json!(15));
    assert_eq!(server.get("/v1/dead-letters?code=rejected-400").await, before);
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused_with_the_correction() {
    let server = Server::start().await;
    for (query, code) in [
        ("since=yesterday", "invalid-since"),
        ("until=tomorrow", "invalid-until"),
        ("limit=1001", "invalid-limit"),
        ("cursor=%21", "invalid-cursor"),
        ("colour=red", "invalid-query"),
    ] {
        let path = format!("/v1/dead-letters?{query}");
        let (status, problem) = server.call(server.request(Method::GET, &path)).await;
        assert_eq!((status, &problem["code"]), (400, &json!(code)), "{problem}");
    }
}
