//! Compatibility levels.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::call;
use super::get;
use super::refused;
use super::registered;
use crate::support::Server;

const LEVELS: [&str; 7] = [
    "NONE",
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
];

async fn put(server: &Server, path: &str, level: &str) -> (u16, Value) {
    let request = json!({ "compatibility": level });
    call(server, Method::PUT, path, Some(&request)).await
}

fn in_force(level: &str) -> Value {
    json!({ "compatibilityLevel": level })
}

#[tokio::test]
async fn the_level_of_a_subject_is_its_setting_and_leaves_the_others() {
    let server = Server::start().await;
    let settings = json!({ "policy": "strict", "validation": "reject", "description": "d" });
    server.put("/v1/schemas/t", &settings).await;
    registered(&server, "t", &json!({})).await;
    assert_eq!(get(&server, "/config/t").await, in_force("BACKWARD"));
    for level in LEVELS {
        let answer = put(&server, "/config/t", level).await;
        assert_eq!(answer, (200, json!({ "compatibility": level })));
        assert_eq!(
            get(&server, "/config/t?defaultToGlobal=true").await,
            in_force(level)
        );
        let entry = server.get("/v1/schemas/t").await;
        assert_eq!(entry["compatibility"], json!(level.to_ascii_lowercase()));
        for member in ["policy", "validation", "description"] {
            assert_eq!(entry[member], settings[member], "{level}");
        }
    }
    let deleted = call(&server, Method::DELETE, "/config/t", None).await;
    assert_eq!(deleted, (200, in_force("FULL_TRANSITIVE")));
    let entry = server.get("/v1/schemas/t").await;
    assert_eq!(
        (&entry["compatibility"], &entry["policy"]),
        (&json!("backward"), &json!("strict"))
    );
}

#[tokio::test]
async fn a_level_may_be_set_before_the_first_version() {
    let server = Server::start().await;
    refused(&server, Method::GET, "/config/t", None, 40408).await;
    refused(&server, Method::DELETE, "/config/t", None, 40401).await;
    assert_eq!(
        get(&server, "/config/t?defaultToGlobal=True").await,
        in_force("BACKWARD")
    );
    assert_eq!(put(&server, "/config/t", "none").await.0, 200);
    assert_eq!(get(&server, "/config/t").await, in_force("NONE"));
    assert_eq!(get(&server, "/subjects").await, json!([]));
}

#[tokio::test]
async fn the_level_of_all_subjects_stays() {
    let server = Server::start().await;
    assert_eq!(get(&server, "/config").await, in_force("BACKWARD"));
    assert_eq!(put(&server, "/config", "BACKWARD").await.0, 200);
    let request = json!({ "compatibility": "FULL" });
    refused(&server, Method::PUT, "/config", Some(&request), 42205).await;
    let deleted = call(&server, Method::DELETE, "/config", None).await;
    assert_eq!(deleted, (200, in_force("BACKWARD")));
}

#[tokio::test]
async fn what_is_no_level_is_refused() {
    let server = Server::start().await;
    for path in ["/config", "/config/t"] {
        for request in [
            json!({ "compatibility": "SIDEWARD" }),
            json!({ "compatibility": null }),
            json!({}),
        ] {
            refused(&server, Method::PUT, path, Some(&request), 42203).await;
        }
        let grouped = json!({ "compatibility": "FULL", "compatibilityGroup": "major" });
        let message = refused(&server, Method::PUT, path, Some(&grouped), 42205).await;
        assert!(message.contains("compatibilityGroup"), "{message}");
    }
    let other_name = json!({ "compatibilityLevel": "FULL", "normalize": true });
    let (status, _) = call(&server, Method::PUT, "/config/t", Some(&other_name)).await;
    assert_eq!(status, 200);
    assert_eq!(get(&server, "/config/t").await, in_force("FULL"));
}
