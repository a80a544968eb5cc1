//! Errors that are no matter of schemas have the same shape.

use reqwest::Method;
use serde_json::json;

use super::MEDIA_TYPE;
use super::answered;
use super::refused;
use crate::support::Server;

#[tokio::test]
async fn unknown_paths_and_methods_are_told_in_the_same_shape() {
    let server = Server::start().await;
    for path in [
        "/nothing",
        "/subjects/t/nothing",
        "/associations/resources/-/topic?resourceType=topic",
    ] {
        let message = refused(&server, Method::GET, path, None, 404).await;
        assert!(message.contains("/confluent/"), "{message}");
    }
    let empty = json!({});
    refused(&server, Method::POST, "/associations", Some(&empty), 404).await;
    for (method, path) in [
        (Method::PUT, "/subjects"),
        (Method::PATCH, "/subjects/t/versions/1"),
        (Method::DELETE, "/mode/t"),
    ] {
        refused(&server, method, path, None, 405).await;
    }
    // Beside them nothing has changed.
    let (_, problem) = server.call(server.request(Method::GET, "/confluently")).await;
    assert_eq!(problem["code"], json!("not-found"));
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_told_in_the_same_shape() {
    let server = Server::start().await;
    for path in [
        "/subjects/t/versions",
        "/subjects/t",
        "/compatibility/subjects/t/versions/latest",
    ] {
        let request = || server.request(Method::POST, &format!("/confluent{path}"));
        for (request, status) in [
            (request().body("{"), 400),
            (request().body("[]"), 400),
            (request().header("content-encoding", "br").body("{}"), 415),
        ] {
            let (found, answer) = answered(request).await;
            assert_eq!(
                (found, &answer["error_code"]),
                (status, &json!(status)),
                "{answer}"
            );
        }
    }
    let request = server.request(Method::GET, "/confluent/subjects/%FF/versions");
    assert_eq!(answered(request).await.0, 400);
}

#[tokio::test]
async fn requests_for_other_hosts_are_refused_in_the_same_shape() {
    let server = Server::start().await;
    for path in ["/confluent", "/confluent/subjects"] {
        let request = server
            .request(Method::GET, path)
            .header("origin", "https://example.com");
        let (status, answer) = answered(request).await;
        assert_eq!((status, &answer["error_code"]), (403, &json!(403)));
    }
}

#[tokio::test]
async fn the_id_of_a_request_is_given_back() {
    let server = Server::start().await;
    let request = server
        .request(Method::GET, "/confluent/subjects")
        .header("x-request-id", "mine");
    let response = request.send().await.expect("an answer");
    assert_eq!(response.headers()["x-request-id"], "mine");
    assert_eq!(response.headers()["content-type"], MEDIA_TYPE);
}
