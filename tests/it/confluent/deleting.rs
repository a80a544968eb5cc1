//! What can be deleted.

use reqwest::Method;
use serde_json::json;

use super::call;
use super::get;
use super::refused;
use super::registered;
use crate::support::Server;

#[tokio::test]
async fn a_subject_is_deleted_for_good_or_not_at_all() {
    let server = Server::start().await;
    registered(&server, "t", &json!({ "minimum": 1 })).await;
    registered(&server, "t", &json!({})).await;
    let message = refused(&server, Method::DELETE, "/subjects/t", None, 42205).await;
    assert!(message.contains("permanent=true"), "{message}");
    refused(
        &server,
        Method::DELETE,
        "/subjects/t?permanent=False",
        None,
        42205,
    )
    .await;
    assert_eq!(get(&server, "/subjects/t/versions").await, json!([1, 2]));
    let deleted = call(&server, Method::DELETE, "/subjects/t?permanent=True", None).await;
    assert_eq!(deleted, (200, json!([1, 2])));
    assert_eq!(get(&server, "/subjects?deleted=true").await, json!([]));
    for (method, path) in [
        (Method::GET, "/subjects/t/versions"),
        (Method::DELETE, "/subjects/t?permanent=true"),
        (Method::DELETE, "/subjects/t"),
    ] {
        refused(&server, method, path, None, 40401).await;
    }
    refused(&server, Method::GET, "/schemas/ids/1", None, 40403).await;
    // Numbers are not given out again.
    assert_eq!(registered(&server, "t", &json!({ "minimum": 1 })).await, 3);
    assert_eq!(get(&server, "/subjects/t/versions").await, json!([3]));
}

#[tokio::test]
async fn a_version_is_never_deleted() {
    let server = Server::start().await;
    registered(&server, "t", &json!({})).await;
    for (path, code) in [
        ("t/versions/1", 42205),
        ("t/versions/latest?permanent=true", 42205),
        ("t/versions/2", 40402),
        ("t/versions/0", 42202),
        ("none/versions/1", 40401),
    ] {
        refused(&server, Method::DELETE, &format!("/subjects/{path}"), None, code).await;
    }
    assert_eq!(get(&server, "/subjects/t/versions").await, json!([1]));
}
