//! What is told about what is registered.

use reqwest::Method;
use serde_json::json;

use super::get;
use super::refused;
use super::registered;
use crate::support::Server;

/// Subjects `a` with two versions, `b` with one, and `c` with settings only.
async fn filled() -> Server {
    let server = Server::start().await;
    registered(&server, "a", &json!({ "type": "number", "minimum": 1 })).await;
    registered(&server, "b", &json!({ "type": "string" })).await;
    registered(&server, "a", &json!({ "type": "number" })).await;
    server
        .put("/v1/schemas/c", &json!({ "compatibility": "none" }))
        .await;
    server
}

#[tokio::test]
async fn subjects_are_those_with_versions() {
    let server = filled().await;
    for (query, expected) in [
        ("", json!(["a", "b"])),
        (
            "?deleted=False&deleted_only=False&offset=0&limit=-1",
            json!(["a", "b"]),
        ),
        ("?deleted=TRUE&unheard=of", json!(["a", "b"])),
        ("?deleted_only=True", json!([])),
        ("?deletedOnly=true", json!([])),
        ("?offset=1", json!(["b"])),
        ("?limit=1", json!(["a"])),
        ("?offset=5&limit=1", json!([])),
        ("?subjectPrefix=b", json!(["b"])),
        ("?subjectPrefix=:*:b", json!(["b"])),
    ] {
        assert_eq!(
            get(&server, &format!("/subjects{query}")).await,
            expected,
            "{query}"
        );
    }
    refused(&server, Method::GET, "/subjects?limit=many", None, 400).await;
    let versions = async |query: &str| get(&server, &format!("/subjects/a/versions{query}")).await;
    assert_eq!(versions("?deleted=False&limit=-1").await, json!([1, 2]));
    assert_eq!(versions("?offset=1&limit=1").await, json!([2]));
    assert_eq!(versions("?deleted_only=true").await, json!([]));
    for subject in ["c", "d"] {
        refused(
            &server,
            Method::GET,
            &format!("/subjects/{subject}/versions"),
            None,
            40401,
        )
        .await;
    }
}

#[tokio::test]
async fn a_version_is_shown_by_its_number_or_as_the_latest() {
    let server = filled().await;
    let shown = get(&server, "/subjects/a/versions/1?deleted=False&format=resolved").await;
    let guid = shown["guid"].as_str().expect("a guid").to_owned();
    let expected = json!({
        "subject": "a", "version": 1, "id": 1, "guid": guid, "schemaType": "JSON",
        "schema": r#"{"type":"number","minimum":1}"#,
    });
    assert_eq!(shown, expected);
    for latest in ["latest", "-1", "2"] {
        let shown = get(&server, &format!("/subjects/a/versions/{latest}")).await;
        assert_eq!(
            (&shown["version"], &shown["id"]),
            (&json!(2), &json!(3)),
            "{latest}"
        );
    }
    let document = get(&server, "/subjects/a/versions/1/schema").await;
    assert_eq!(document, json!({ "type": "number", "minimum": 1 }));
    for (path, code) in [
        ("a/versions/3", 40402),
        ("a/versions/2147483648", 42202),
        ("a/versions/0", 42202),
        ("a/versions/first", 42202),
        ("c/versions/latest", 40401),
        ("d/versions/1", 40401),
        ("d/versions/1/schema", 40401),
        ("d/versions/1/referencedby", 40401),
        ("d/metadata", 40401),
    ] {
        refused(&server, Method::GET, &format!("/subjects/{path}"), None, code).await;
    }
}

#[tokio::test]
async fn a_version_is_found_by_its_id() {
    let server = filled().await;
    let shown = get(&server, "/schemas/ids/2?subject=a").await;
    assert_eq!(
        (&shown["subject"], &shown["version"], &shown["schemaType"]),
        (&json!("b"), &json!(1), &json!("JSON"))
    );
    assert_eq!(
        (&shown["schema"], &shown["maxId"]),
        (&json!(r#"{"type":"string"}"#), &json!(null))
    );
    let shown = get(&server, "/schemas/ids/2?fetchMaxId=True").await;
    assert_eq!(shown["maxId"], json!(3));
    assert_eq!(
        get(&server, "/schemas/ids/2/schema").await,
        json!({ "type": "string" })
    );
    assert_eq!(
        get(&server, "/schemas/ids/3/subjects?offset=0&limit=-1").await,
        json!(["a"])
    );
    let versions = get(&server, "/schemas/ids/3/versions?deleted=True").await;
    assert_eq!(versions, json!([{ "subject": "a", "version": 2 }]));
    for query in ["subject=b", "limit=0", "offset=1"] {
        let versions = get(&server, &format!("/schemas/ids/3/versions?{query}")).await;
        assert_eq!(versions, json!([]), "{query}");
    }
    for path in [
        "ids/9",
        "ids/x",
        "ids/9/schema",
        "ids/9/subjects",
        "ids/9/versions",
        "guids/9",
    ] {
        refused(&server, Method::GET, &format!("/schemas/{path}"), None, 40403).await;
    }
}

#[tokio::test]
async fn a_guid_names_the_same_text_on_every_server() {
    let (server, other) = (filled().await, Server::start().await);
    registered(&other, "x", &json!({ "type": "string" })).await;
    let here = get(&server, "/schemas/ids/2").await;
    let there = get(&other, "/schemas/ids/1").await;
    assert_eq!(here["guid"], there["guid"]);
    assert_ne!(here["guid"], get(&server, "/schemas/ids/1").await["guid"]);
    let guid = here["guid"].as_str().expect("a guid").to_ascii_uppercase();
    assert_eq!(get(&server, &format!("/schemas/guids/{guid}")).await, here);
}

#[tokio::test]
async fn no_version_has_metadata() {
    let server = filled().await;
    let shown = get(&server, "/subjects/a/metadata?deleted=true").await;
    assert_eq!(shown["version"], json!(2));
    refused(
        &server,
        Method::GET,
        "/subjects/a/metadata?key=k&value=v",
        None,
        40403,
    )
    .await;
}

#[tokio::test]
async fn what_never_changes_is_told() {
    let server = Server::start().await;
    for path in ["", "/"] {
        assert_eq!(get(&server, path).await, json!({}));
    }
    assert_eq!(get(&server, "/schemas/types").await, json!(["JSON"]));
    assert_eq!(get(&server, "/contexts?offset=0&limit=-1").await, json!(["."]));
    let mode = json!({ "mode": "READWRITE" });
    assert_eq!(get(&server, "/mode").await, mode);
    assert_eq!(get(&server, "/mode/t?defaultToGlobal=true").await, mode);
    refused(&server, Method::GET, "/mode/t", None, 40409).await;
    for path in ["/mode?force=False", "/mode/t"] {
        let asked = json!({ "mode": "READONLY" });
        refused(&server, Method::PUT, path, Some(&asked), 42205).await;
        let answer = super::call(&server, Method::PUT, path, Some(&mode)).await;
        assert_eq!(answer, (200, mode.clone()));
    }
}

#[tokio::test]
async fn what_was_registered_is_there_after_a_restart() {
    let mut server = filled().await;
    let before = get(&server, "/subjects/a/versions/latest").await;
    server.kill().await;
    server.restart().await;
    assert_eq!(get(&server, "/subjects/a/versions/latest").await, before);
    assert_eq!(get(&server, "/schemas/ids/3").await, before);
}
