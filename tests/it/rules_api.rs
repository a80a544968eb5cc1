//! The control plane: what it promises about rules and buses.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::Answer;
use crate::support::Received;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::named;
use crate::support::retrying;
use crate::support::rule;
use crate::support::rules_file;

const NOWHERE: &str = "https://example.com/";

async fn apply(server: &Server, query: &str, document: &Value) -> (u16, Value) {
    let request = server.request(Method::POST, &format!("/v1/apply?{query}"));
    server.call(request.json(document)).await
}

fn of_event<'a>(received: &'a [Received], id: &str) -> &'a Received {
    let mut found = received.iter().filter(|request| request.json()["id"] == id);
    found.next().expect("the event came")
}

async fn generation(server: &Server) -> u64 {
    server.get("/v1/buses/default").await["generation"]
        .as_u64()
        .unwrap()
}

#[tokio::test]
async fn a_rule_is_created_replaced_shown_and_deleted() {
    let server = Server::start().await;
    let path = "/v1/buses/default/rules/r";
    let (status, created) = server.put(path, &rule("a", NOWHERE)).await;
    assert_eq!(
        (status, &created["revision"], &created["name"]),
        (201, &json!(1), &json!("r"))
    );
    let before = generation(&server).await;
    let mut other = rule("b", NOWHERE);
    other["description"] = json!("text");
    let (status, replaced) = server.put(path, &other).await;
    assert_eq!((status, &replaced["revision"]), (200, &json!(2)));
    assert!(generation(&server).await > before);
    // What is left out takes its default, and what was read can be written.
    let shown = server.get(path).await;
    assert_eq!(shown, replaced);
    let (status, again) = server.put(path, &shown).await;
    assert_eq!((status, &again), (200, &shown));
    let (_, plain) = server.put(path, &rule("b", NOWHERE)).await;
    assert_eq!(plain.get("description"), None, "{plain}");
    assert_eq!(server.delete(path).await.0, 204);
    let (status, problem) = server.delete(path).await;
    assert_eq!((status, &problem["code"]), (404, &json!("no-such-rule")));
    let (status, problem) = server.put("/v1/buses/none/rules/r", &rule("a", NOWHERE)).await;
    assert_eq!((status, &problem["code"]), (404, &json!("no-such-bus")));
}

#[tokio::test]
async fn a_rule_is_changed_only_at_the_revision_that_the_client_saw() {
    let server = Server::start().await;
    let path = "/v1/buses/default/rules/r";
    server.put(path, &rule("a", NOWHERE)).await;
    let response = server.request(Method::GET, path).send().await.unwrap();
    let etag = response.headers()["etag"].clone();
    let put = |kind: &str, etag: &str| {
        let request = server.request(Method::PUT, path).header("if-match", etag);
        server.call(request.json(&rule(kind, NOWHERE)))
    };
    assert_eq!(put("b", etag.to_str().unwrap()).await.0, 200);
    let (status, problem) = put("c", etag.to_str().unwrap()).await;
    assert_eq!((status, &problem["status"]), (412, &json!(412)));
    assert_eq!(put("c", "\"nonsense\"").await.0, 412);
    let delete = server.request(Method::DELETE, path).header("if-match", &etag);
    assert_eq!(server.call(delete).await.0, 412);
    assert_eq!(put("c", "*").await.0, 200);
    assert_eq!(server.get(path).await["match"], json!({ "type": ["c"] }));
}

#[tokio::test]
async fn lists_of_buses_and_rules_come_in_pages() {
    let server = Server::start().await;
    for n in 0..5 {
        assert_eq!(server.put(&format!("/v1/buses/b{n}"), &json!({})).await.0, 201);
        server
            .put(&format!("/v1/buses/default/rules/r{n}"), &rule("a", NOWHERE))
            .await;
    }
    for (path, expected) in [
        (
            "/v1/buses",
            vec!["b0", "b1", "b2", "b3", "b4", "default", "system"],
        ),
        ("/v1/buses/default/rules", vec!["r0", "r1", "r2", "r3", "r4"]),
    ] {
        let (mut names, mut query) = (Vec::new(), "limit=2".to_owned());
        loop {
            let page = server.get(&format!("{path}?{query}")).await;
            let items = page["items"].as_array().unwrap();
            names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else {
                break;
            };
            query = format!("limit=2&cursor={cursor}");
        }
        assert_eq!(names, expected);
    }
}

#[tokio::test]
async fn a_bus_is_deleted_only_without_rules_and_goes_on_counting_when_it_comes_back() {
    let server = Server::start().await;
    assert_eq!(server.put("/v1/buses/b", &json!({})).await.0, 201);
    assert_eq!(server.put("/v1/buses/b", &json!({})).await.0, 200);
    server.put("/v1/buses/b/rules/r", &rule("a", NOWHERE)).await;
    assert_eq!(
        server.publish_to("b", &event("1", "x", &json!(1))).await["sequence"],
        json!(1)
    );
    assert_eq!(server.delete("/v1/buses/b").await.0, 409);
    assert_eq!(server.delete("/v1/buses/b/rules/r").await.0, 204);
    assert_eq!(server.delete("/v1/buses/b").await.0, 204);
    assert_eq!(server.delete("/v1/buses/b").await.0, 404);
    assert_eq!(
        server
            .call(server.request(Method::GET, "/v1/buses/b/events"))
            .await
            .0,
        404
    );
    assert_eq!(server.delete("/v1/buses/default").await.0, 409);
    assert_eq!(server.put("/v1/buses/b", &json!({})).await.0, 201);
    assert_eq!(
        server.publish_to("b", &event("2", "x", &json!(1))).await["sequence"],
        json!(2)
    );
    assert_eq!(server.put("/v1/buses/-b", &json!({})).await.0, 400);
}

#[tokio::test]
async fn apply_plans_does_and_does_nothing_twice() {
    let server = Server::start().await;
    let file = |rules: &[Value]| json!({ "bus": "new", "rules": rules });
    let first = file(&[named("a", rule("a", NOWHERE)), named("b", rule("b", NOWHERE))]);
    let (status, plan) = apply(&server, "dry_run=true", &first).await;
    assert_eq!(
        (status, &plan["add"], &plan["buses"]),
        (200, &json!(["a", "b"]), &json!(["new"]))
    );
    assert_eq!(
        server.call(server.request(Method::GET, "/v1/buses/new")).await.0,
        404
    );
    let (_, done) = apply(&server, "", &first).await;
    assert_eq!((&done["add"], &done["buses"]), (&plan["add"], &plan["buses"]));
    let before = server.get("/v1/buses/new").await;
    let (_, again) = apply(&server, "", &first).await;
    assert_eq!(
        (&again["unchanged"], &again["add"]),
        (&json!(["a", "b"]), &json!([]))
    );
    assert_eq!(
        server.get("/v1/buses/new").await,
        before,
        "nothing changed, no new generation"
    );
    let second = file(&[named("b", rule("x", NOWHERE)), named("c", rule("c", NOWHERE))]);
    let (_, plan) = apply(&server, "", &second).await;
    assert_eq!(
        (&plan["add"], &plan["change"], &plan["remove"]),
        (&json!(["c"]), &json!(["b"]), &json!([]))
    );
    let (_, plan) = apply(&server, "prune=true&dry_run=true", &second).await;
    assert_eq!(
        (&plan["remove"], &plan["unchanged"]),
        (&json!(["a"]), &json!(["b", "c"]))
    );
    let (_, plan) = apply(&server, "prune=true", &second).await;
    assert_eq!(plan["remove"], json!(["a"]));
    let rules = server.get("/v1/buses/new/rules").await;
    assert_eq!(rules["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn apply_does_all_of_it_or_nothing() {
    let server = Server::start().await;
    let broken = json!({ "bus": "new", "rules": [
        named("good", rule("a", NOWHERE)),
        named("bad", json!({ "match": { "detail-type": ["x"] }, "targets": [] })),
    ] });
    let (status, problem) = apply(&server, "", &broken).await;
    assert_eq!(status, 422, "{problem}");
    let fault = &problem["errors"][0];
    assert!(
        fault["pointer"].as_str().unwrap().starts_with("/rules/1/"),
        "{problem}"
    );
    assert_eq!(
        server.call(server.request(Method::GET, "/v1/buses/new")).await.0,
        404
    );
    let denied =
        json!({ "rules": [named("good", rule("a", NOWHERE)), named("r", rule("a", "http://10.0.0.1/"))] });
    let (status, problem) = apply(&server, "", &denied).await;
    assert_eq!((status, &problem["code"]), (422, &json!("egress-denied")));
    assert_eq!(server.get("/v1/buses/default/rules").await["items"], json!([]));
    let request = server
        .request(Method::POST, "/v1/apply")
        .header("content-type", "application/yaml");
    assert_eq!(server.call(request.body("rules: [")).await.0, 400);
    let request = server
        .request(Method::POST, "/v1/apply")
        .header("content-type", "text/plain");
    assert_eq!(server.call(request.body("rules: []")).await.0, 415);
}

#[tokio::test]
async fn a_publish_that_starts_after_the_answer_is_decided_by_the_change() {
    let server = Server::start().await;
    let mut others = JoinSet::new();
    for worker in 0..2 {
        let (client, url) = (server.client(), format!("{}/events", server.url()));
        others.spawn(async move {
            for n in 0.. {
                let body = json!({ "type": "noise", "source": format!("/{worker}"), "id": n.to_string() });
                drop(client.post(&url).json(&body).send().await);
            }
        });
    }
    let mut last = 0;
    for n in 0..60 {
        let kind = ["even", "odd"][n % 2];
        let (status, put) = server
            .put("/v1/buses/default/rules/r", &rule(kind, NOWHERE))
            .await;
        assert!(status == 200 || status == 201, "{put}");
        let generation = put["generation"].as_u64().unwrap();
        assert!(generation > last);
        last = generation;
        let hit = server.publish(&event(&format!("hit-{n}"), kind, &json!(n))).await;
        assert_eq!(hit["matched"], json!(["r"]), "round {n}");
        let miss = server
            .publish(&event(&format!("miss-{n}"), ["odd", "even"][n % 2], &json!(n)))
            .await;
        assert_eq!(miss["matched"], json!([]), "round {n}");
        if n % 10 == 9 {
            assert_eq!(server.delete("/v1/buses/default/rules/r").await.0, 204);
            let gone = server
                .publish(&event(&format!("gone-{n}"), kind, &json!(n)))
                .await;
            assert_eq!(gone["matched"], json!([]), "round {n}");
        }
    }
}

#[tokio::test]
async fn a_duplicate_is_answered_with_what_was_decided_when_it_came_first() {
    let server = Server::start().await;
    let path = "/v1/buses/default/rules/r";
    server.put(path, &rule("t", NOWHERE)).await;
    let sent = event("1", "t", &json!(1));
    let first = server.publish(&sent).await;
    server.put(path, &rule("other", NOWHERE)).await;
    let again = server.publish(&sent).await;
    assert_eq!(
        (&again["duplicate"], &again["sequence"], &again["matched"]),
        (&json!(true), &first["sequence"], &json!(["r"]))
    );
    assert_eq!(again["matched_count"], json!(1));
}

#[tokio::test]
async fn a_changed_rule_keeps_its_backlog_and_sends_what_was_decided_to_where_it_points_now() {
    let server = Server::start().await;
    let (down, up) = (
        Sink::answering(|_| Answer::Status(503)).await,
        Sink::start().await,
    );
    let path = "/v1/buses/default/rules/r";
    let version = |n: u32, url: &str| {
        let mut rule = retrying(rule("t", url), "100ms");
        rule["transform"] = json!([{ "data": { "version": n } }]);
        rule
    };
    server.put(path, &version(1, &down.url("/"))).await;
    server.publish(&event("1", "t", &json!(1))).await;
    server.settled(1, "retrying").await;
    let first = down.received()[0].header("webhook-id");
    server.put(path, &version(2, &up.url("/now"))).await;
    server.publish(&event("2", "t", &json!(2))).await;
    server.settled(1, "delivered").await;
    server.settled(2, "delivered").await;
    let received = up.wait_for(2).await;
    assert_eq!(of_event(&received, "1").path, "/now");
    assert_eq!(of_event(&received, "1").json()["data"], json!({ "version": 1 }));
    assert_eq!(of_event(&received, "1").header("webhook-id"), first);
    assert_eq!(of_event(&received, "2").json()["data"], json!({ "version": 2 }));
}

#[tokio::test]
async fn a_rule_deleted_and_created_again_is_a_new_route() {
    let server = Server::start().await;
    let sink = Sink::answering(|_| Answer::Status(503)).await;
    let path = "/v1/buses/default/rules/r";
    let rule = retrying(rule("t", &sink.url("/")), "50ms");
    server.put(path, &rule).await;
    server.publish(&event("1", "t", &json!(1))).await;
    server.settled(1, "retrying").await;
    assert_eq!(server.delete(path).await.0, 204);
    assert_eq!(server.put(path, &rule).await.0, 201);
    sink.answer(|_| Answer::Status(200));
    server.publish(&event("2", "t", &json!(2))).await;
    server.settled(2, "delivered").await;
    server.settled(1, "dropped").await;
    assert_eq!(server.route("r", "hook").await["backlog"], json!(0));
}

#[tokio::test]
async fn a_restart_keeps_buses_rules_revisions_and_generations() {
    let mut server = Server::start().await;
    server.put("/v1/buses/b", &json!({})).await;
    server.apply(&rules_file("a", "t", NOWHERE)).await;
    server.put("/v1/buses/default/rules/a", &rule("u", NOWHERE)).await;
    server.put("/v1/buses/b/rules/z", &rule("t", NOWHERE)).await;
    server.publish(&event("1", "u", &json!(1))).await;
    let paths = ["/v1/buses", "/v1/buses/default/rules", "/v1/buses/b/rules"];
    let mut before = Vec::new();
    for path in paths {
        before.push(server.get(path).await);
    }
    server.kill().await;
    server.restart().await;
    for (path, before) in paths.into_iter().zip(before) {
        assert_eq!(server.get(path).await, before);
    }
    let next = server.publish(&event("2", "u", &json!(1))).await;
    assert_eq!((&next["sequence"], &next["matched"]), (&json!(2), &json!(["a"])));
}

#[tokio::test]
async fn one_rule_is_tried_on_one_event() {
    let server = Server::start().await;
    let rule = json!({
        "match": { "type": ["order"], "data": { "total": [{ "numeric": [">", 100] }] } },
        "transform": [{ "data": { "id": "${$.data.id}" } }],
    });
    let tried = |event: Value| json!({ "rule": rule, "event": event });
    let hit = tried(json!({ "type": "order", "data": { "id": "o-1", "total": 250 } }));
    let answer = server.post("/v1/rules/test", &hit).await;
    assert_eq!(
        (&answer["matched"], &answer["output"]["data"]),
        (&json!(true), &json!({ "id": "o-1" }))
    );
    let miss = tried(json!({ "type": "order", "data": { "total": 20 } }));
    let answer = server.post("/v1/rules/test", &miss).await;
    assert_eq!(answer["matched"], json!(false));
    assert_eq!(answer["explain"]["path"], json!("data.total"), "{answer}");
    let found = answer["explain"]["found"].as_str().unwrap();
    assert!(found.contains("20"), "{answer}");
    assert_eq!(
        server.get("/v1/buses/default").await["last_sequence"],
        json!(0),
        "nothing is stored"
    );
}

#[tokio::test]
async fn many_rules_are_tried_on_many_events() {
    let server = Server::start().await;
    let rule = |name: &str, kind: &str| json!({ "name": name, "match": { "type": [kind] } });
    let body = json!({
        "rules": [rule("z", "a"), rule("b", "b"), rule("a", "a")],
        "events": [{ "type": "a" }, { "type": "none" }, { "type": "b", "data": 1 }],
    });
    let answer = server.post("/v1/rules/test", &body).await;
    let matched: Vec<_> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["matched"].clone())
        .collect();
    assert_eq!(matched, [json!(["z", "a"]), json!([]), json!(["b"])]);
    let none = server
        .post(
            "/v1/rules/test",
            &json!({ "rules": [rule("a", "a")], "events": [] }),
        )
        .await;
    assert_eq!(none, json!({ "results": [] }));
}

#[tokio::test]
async fn what_cannot_be_tried_is_refused_with_its_place() {
    let server = Server::start().await;
    let bad = json!({ "match": { "type": [{ "prefx": "a" }] } });
    let good = json!({ "match": { "type": ["a"] } });
    let many: Vec<_> = (0..10_001).map(|_| json!({})).collect();
    let cases = [
        (json!({ "rule": bad, "event": {} }), 422, "invalid-pattern"),
        (
            json!({ "rules": [good, bad], "events": [] }),
            422,
            "invalid-pattern",
        ),
        (json!({ "rules": [good], "events": many }), 413, "too-many"),
        (json!({ "rule": good }), 400, "invalid-body"),
        (json!({ "rule": good, "event": [] }), 400, "invalid-event"),
    ];
    for (body, status, code) in cases {
        let request = server.request(Method::POST, "/v1/rules/test").json(&body);
        let (found, problem) = server.call(request).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{problem}");
        if status == 422 {
            let pointer = problem["errors"][0]["pointer"].as_str().unwrap();
            assert!(
                pointer.ends_with("/match/type/0/prefx") || pointer.contains("/match/type/0"),
                "{problem}"
            );
        }
    }
}
