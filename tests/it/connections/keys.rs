//! Encryption keys: made, given, missing, rotated.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;
use sqlx::Connection as _;
use sqlx::Executor as _;

use crate::catalog::support::on_postgres;
use crate::support::Ran;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::eventually;
use crate::support::retrying;
use crate::support::rule;
use crate::support::tramline;

const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

/// Starts on the data of a stopped server, which is expected to be refused.
async fn refused(server: &Server, more: &[&str]) -> Ran {
    let data = server.data_dir();
    let args = ["serve", "--listen", "127.0.0.1:0", "--data-dir", &data];
    tramline(&[&args[..], more].concat()).await.ended(2)
}

async fn with_secret(flags: &[&str]) -> Server {
    let server = Server::start_with(flags).await;
    let given = json!({ "bearer": { "token": "s3cr3t-token" } });
    let (status, answer) = server.put("/v1/connections/c", &given).await;
    assert_eq!(status, 201, "{answer}");
    server
}

/// Delivers an event over the connection `c` and gives what the call carried.
async fn carried(server: &Server, id: &str) -> String {
    let sink = Sink::start().await;
    let mut rule = rule("t", &sink.url("/"));
    rule["targets"][0]["webhook"]["connection"] = json!("c");
    server.put("/v1/buses/default/rules/r", &rule).await;
    server.publish(&event(id, "t", &json!(1))).await;
    sink.wait_for(1).await[0].header("authorization")
}

#[tokio::test]
async fn an_embedded_catalog_has_a_key_of_its_own_that_survives_a_restart() {
    let mut server = with_secret(&[]).await;
    let key = Path::new(&server.data_dir()).join("encryption.key");
    assert_eq!(
        std::fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    server.kill().await;
    server.restart().await;
    assert_eq!(carried(&server, "1").await, "Bearer s3cr3t-token");
}

#[tokio::test]
async fn f50_without_the_key_of_its_secrets_a_server_does_not_start_and_makes_no_other() {
    let mut server = with_secret(&[]).await;
    server.stop().await;
    let key = Path::new(&server.data_dir()).join("encryption.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let ran = refused(&server, &[]).await;
    assert!(
        ran.stderr.contains("encryption key") && ran.stderr.contains("encryption.key"),
        "{ran:?}"
    );
    assert!(!key.exists());
    let other = server.dir().join("other.key");
    std::fs::write(&other, ONE).unwrap();
    let ran = refused(&server, &["--encryption-key-file", other.to_str().unwrap()]).await;
    assert!(
        ran.stderr.contains("not given") && !ran.stderr.contains(ONE),
        "{ran:?}"
    );
    std::fs::write(&other, "no key").unwrap();
    refused(&server, &["--encryption-key-file", other.to_str().unwrap()]).await;
    std::fs::write(&key, kept).unwrap();
    server.restart().await;
    assert_eq!(carried(&server, "1").await, "Bearer s3cr3t-token");
}

#[tokio::test]
async fn after_a_rotation_old_secrets_open_and_new_ones_need_the_new_key_alone() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("keys");
    let flags = ["--encryption-key-file", file.to_str().unwrap()];
    std::fs::write(&file, ONE).unwrap();
    let mut server = with_secret(&flags).await;
    server.stop().await;
    std::fs::write(&file, TWO).unwrap();
    refused(&server, &flags).await;
    std::fs::write(&file, format!("# new\n{TWO}\n# old\n{ONE}\n")).unwrap();
    server.restart().await;
    assert_eq!(carried(&server, "1").await, "Bearer s3cr3t-token");
    server
        .put(
            "/v1/connections/c",
            &json!({ "bearer": { "token": "new-token" } }),
        )
        .await;
    server.stop().await;
    std::fs::write(&file, TWO).unwrap();
    server.restart().await;
    assert_eq!(carried(&server, "2").await, "Bearer new-token");
}

#[tokio::test]
async fn f50_a_damaged_secret_and_one_of_another_row_are_errors_of_their_connection_alone() {
    let mut server = with_secret(&[]).await;
    server
        .put(
            "/v1/connections/d",
            &json!({ "bearer": { "token": "other-token" } }),
        )
        .await;
    server.stop().await;
    let catalog = format!("sqlite:{}/catalog.db", server.data_dir());
    let mut catalog = sqlx::SqliteConnection::connect(&catalog).await.unwrap();
    let swap =
        "UPDATE connections SET spec = (SELECT spec FROM connections WHERE name = 'd') WHERE name = 'c'";
    catalog.execute(swap).await.unwrap();
    catalog.close().await.unwrap();
    server.restart().await;
    let sink = Sink::start().await;
    for (name, connection, kind) in [("r", "c", "t"), ("good", "d", "u")] {
        let mut rule = retrying(rule(kind, &sink.url("/")), "50ms");
        rule["targets"][0]["webhook"]["connection"] = json!(connection);
        server
            .put(&format!("/v1/buses/default/rules/{name}"), &rule)
            .await;
        server.publish(&event(name, kind, &json!(1))).await;
    }
    server.settled(2, "delivered").await;
    eventually("the call with the damaged secret waits", async || {
        let route = server.route("r", "hook").await;
        (route["retrying"] == 1).then_some(())
    })
    .await;
    let tokens: Vec<_> = sink
        .received()
        .iter()
        .map(|request| request.header("authorization"))
        .collect();
    assert_eq!(tokens, ["Bearer other-token"]);
    server
        .put(
            "/v1/connections/c",
            &json!({ "bearer": { "token": "s3cr3t-token" } }),
        )
        .await;
    server.settled(1, "delivered").await;
}

#[tokio::test]
async fn with_postgres_a_secret_needs_a_key_and_a_reference_does_not() {
    on_postgres(async |database| {
        let flags = ["--database-url", database.location.as_str()];
        let server = Server::start_with(&flags).await;
        let (status, problem) = server
            .put(
                "/v1/connections/c",
                &json!({ "bearer": { "token": "s3cr3t-token" } }),
            )
            .await;
        assert_eq!(
            (status, &problem["code"]),
            (422, &json!("encryption-key-missing")),
            "{problem}"
        );
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains("--encryption-key-file"),
            "{problem}"
        );
        let reference = json!({ "bearer": { "token": "${env:TRAMLINE_SECRET_T}" } });
        assert_eq!(server.put("/v1/connections/c", &reference).await.0, 201);
        assert!(!Path::new(&server.data_dir()).join("encryption.key").exists());
    })
    .await;
}
