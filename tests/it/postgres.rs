//! The server with its catalog in PostgreSQL.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use sqlx::AssertSqlSafe;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::PgConnection;

use crate::catalog::support::Database;
use crate::catalog::support::on_postgres;
use crate::support::Answer;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::eventually;
use crate::support::retrying;
use crate::support::rule;
use crate::support::rules_file;
use crate::support::tramline;

/// A way to take a database away and to give it back.
struct Switch {
    admin: PgConnection,
    name: String,
}

impl Switch {
    async fn of(database: &Database) -> Self {
        let mut url = url::Url::parse(&database.location).unwrap();
        let name = url.path().trim_start_matches('/').to_owned();
        url.set_path("postgres");
        let admin = PgConnection::connect(url.as_str()).await.unwrap();
        Self { admin, name }
    }

    async fn run(&mut self, sql: String) {
        self.admin.execute(AssertSqlSafe(sql)).await.unwrap();
    }

    async fn off(&mut self) {
        let name = self.name.clone();
        self.run(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
            .await;
        self.run(format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        ))
        .await;
    }

    async fn on(&mut self) {
        self.run(format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.name))
            .await;
    }
}

#[tokio::test]
async fn rules_live_in_the_database_and_survive_a_restart() {
    on_postgres(async |database| {
        let (mut server, sink) = (
            Server::start_with(&["--database-url", &database.location]).await,
            Sink::start().await,
        );
        server.apply(&rules_file("r", "t", &sink.url("/"))).await;
        server.publish(&event("1", "t", &json!(1))).await;
        server.settled(1, "delivered").await;
        let before = server.get("/v1/buses/default/rules").await;
        assert_eq!(server.get("/v1/status").await["storage"], json!("postgres"));
        assert!(!server.dir().join("data/catalog.db").exists());
        server.kill().await;
        server.restart().await;
        assert_eq!(server.get("/v1/buses/default/rules").await, before);
        let next = server.publish(&event("2", "t", &json!(2))).await;
        assert_eq!((&next["sequence"], &next["matched"]), (&json!(2), &json!(["r"])));
        server.settled(2, "delivered").await;
    })
    .await;
}

#[tokio::test]
async fn a_log_in_use_does_not_join_the_database_of_another_one() {
    on_postgres(async |database| {
        let flags = ["--database-url", database.location.as_str()];
        let mut server = Server::start_with(&flags).await;
        let log = server.get("/v1/status").await["log"].as_str().unwrap().to_owned();
        assert!(server.stop().await.success());
        let mut other = Server::start().await;
        assert!(other.stop().await.success());
        let args = ["serve", "--listen", "127.0.0.1:0", "--data-dir"];
        let data = other.data_dir();
        let ran = tramline(&[&args[..], &[data.as_str()], &flags[..]].concat())
            .await
            .ended(1);
        assert!(ran.stderr.contains(&log), "{}", ran.stderr);
        server.restart().await;
    })
    .await;
}

#[tokio::test]
async fn without_the_database_events_are_taken_and_delivered_and_rules_wait() {
    on_postgres(async |database| {
        let server = Server::start_with(&["--database-url", &database.location]).await;
        let sink = Sink::answering(|_| Answer::Status(503)).await;
        let path = "/v1/buses/default/rules/r";
        server
            .put(path, &retrying(rule("t", &sink.url("/")), "50ms"))
            .await;
        server.publish(&event("before", "t", &json!(1))).await;
        server.settled(1, "retrying").await;
        let mut switch = Switch::of(&database).await;
        switch.off().await;

        let during = server.publish(&event("during", "t", &json!(2))).await;
        assert_eq!(during["matched"], json!(["r"]));
        sink.answer(|_| Answer::Status(200));
        server.settled(1, "delivered").await;
        server.settled(2, "delivered").await;
        let document = json!({ "rules": [crate::support::named("x", rule("x", &sink.url("/")))] });
        let writes = [
            server
                .put("/v1/buses/default/rules/x", &rule("x", &sink.url("/")))
                .await,
            server.delete(path).await,
            server.put("/v1/buses/b", &json!({})).await,
            server
                .call(server.request(Method::POST, "/v1/apply").json(&document))
                .await,
        ];
        for (status, problem) in writes {
            assert_eq!(
                (status, &problem["code"]),
                (503, &json!("catalog-unavailable")),
                "{problem}"
            );
        }
        let schema = json!({ "schemaType": "JSON", "schema": "{}" });
        let request = server.request(Method::POST, "/confluent/subjects/t/versions");
        let (status, answer) = server.call(request.json(&schema)).await;
        assert_eq!(
            (status, &answer["error_code"]),
            (503, &json!(503)),
            "clients repeat it: {answer}"
        );
        assert_eq!(
            server.get("/v1/buses/default/rules").await["items"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            server
                .request(Method::GET, "/readyz")
                .send()
                .await
                .unwrap()
                .status(),
            200
        );

        switch.on().await;
        eventually("rules can be changed again", async || {
            let (status, _) = server
                .put("/v1/buses/default/rules/x", &rule("x", &sink.url("/")))
                .await;
            (status < 300).then_some(())
        })
        .await;
        let after = server.publish(&event("after", "x", &json!(3))).await;
        assert_eq!(
            (&after["sequence"], &after["matched"]),
            (&json!(3), &json!(["x"]))
        );
    })
    .await;
}

#[tokio::test]
async fn a_rules_file_that_changed_while_the_database_was_away_is_in_force_when_it_is_back() {
    on_postgres(async |database| {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("r.yaml");
        std::fs::write(&path, rules_file("a", "t", "https://example.com/")).unwrap();
        let flags = [
            "--database-url",
            &database.location,
            "--rules",
            path.to_str().unwrap(),
        ];
        let server = Server::start_with(&flags).await;
        let mut switch = Switch::of(&database).await;
        switch.off().await;
        std::fs::write(&path, rules_file("b", "t", "https://example.com/")).unwrap();
        server.hears("cannot be applied").await;
        switch.on().await;
        eventually("the rule `b` is in force", async || {
            let rules = server.get("/v1/buses/default/rules").await;
            (rules["items"][0]["name"] == "b").then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn without_the_database_events_are_validated_and_the_registry_waits() {
    on_postgres(async |database| {
        let server = Server::start_with(&["--database-url", &database.location]).await;
        let settings = json!({ "validation": "reject", "compatibility": "none" });
        assert_eq!(server.put("/v1/schemas/t", &settings).await.0, 201);
        let register = async |document: Value| {
            let request = server
                .request(Method::POST, "/v1/schemas/t/versions")
                .json(&document);
            server.call(request).await.0
        };
        assert_eq!(register(json!({ "type": "integer" })).await, 201);
        let mut switch = Switch::of(&database).await;
        let stop = tokio_util::sync::CancellationToken::new();
        let load = publish_until(&server, stop.clone());
        let outage = async {
            switch.off().await;
            let source = json!({ "source": "/a" });
            assert_eq!(register(json!({ "type": "string" })).await, 503);
            assert_eq!(server.put("/v1/schemas/t", &json!({})).await.0, 503);
            assert_eq!(server.delete("/v1/schemas/t").await.0, 503);
            assert_eq!(server.put("/v1/buses/default/sources/a", &source).await.0, 503);
            let reject = json!({ "unregistered_sources": "reject" });
            assert_eq!(server.put("/v1/buses/default", &reject).await.0, 503);
            // What is read comes from memory.
            assert_eq!(
                server.get("/v1/schemas/t/versions/latest").await,
                json!({ "type": "integer" })
            );
            let check = server
                .post("/v1/schemas/t/check", &json!({ "type": "string" }))
                .await;
            assert_eq!(check["verdict"], json!("compatible"));
            switch.on().await;
            eventually("a schema is registered again", async || {
                (register(json!({ "type": "integer", "minimum": 0 })).await == 201).then_some(())
            })
            .await;
            assert_eq!(server.put("/v1/buses/default/sources/a", &source).await.0, 201);
            stop.cancel();
        };
        let ((accepted, refused), ()) = tokio::join!(load, outage);
        assert!(accepted > 0 && refused > 0, "{accepted} {refused}");
        assert_eq!(server.last_sequence().await, accepted);
    })
    .await;
}

/// Publishes good and bad events in turn, of which each must be answered for what it is; gives how many of each.
async fn publish_until(server: &Server, stop: tokio_util::sync::CancellationToken) -> (u64, u64) {
    let (mut accepted, mut refused) = (0, 0);
    while !stop.is_cancelled() {
        for (data, expected) in [(json!(1), 202), (json!("x"), 422)] {
            let event = event(&format!("{accepted}-{refused}"), "t", &data);
            let request = server
                .request(Method::POST, "/events")
                .header("content-type", "application/cloudevents+json")
                .body(event.to_string());
            let (status, answer) = server.call(request).await;
            assert_eq!(status, expected, "{answer}");
            if expected == 202 {
                accepted += 1;
            } else {
                refused += 1;
            }
        }
    }
    (accepted, refused)
}
