//! The verbs of `tramline schemas` and `tramline sources`.

use serde_json::Value;
use serde_json::json;

use crate::support::Server;
use crate::support::tramline;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test]
async fn a_schema_is_registered_checked_shown_compared_and_asked() {
    let server = Server::start().await;
    let url = ["--url", server.url()];
    let file = |name: &str, content: &Value| {
        let path = server.dir().join(name);
        std::fs::write(&path, content.to_string()).expect("a file");
        path.display().to_string()
    };
    let first = file("1.json", &json!({ "properties": { "n": { "type": "integer" } } }));
    let second = file("2.json", &json!({ "properties": { "n": { "type": "string" } } }));
    let run =
        async |args: &[&str], code: i32| tramline(&[&["schemas"], args, &url].concat()).await.ended(code);

    let said = run(&["register", "a/b", &first], 0).await;
    assert_eq!(said.stdout.trim(), "version 1 of a/b");
    let said = run(&["check", "a/b", &second], 1).await;
    assert!(
        said.stdout.starts_with("incompatible\n") && said.stdout.contains("for example"),
        "{}",
        said.stdout
    );
    let said = run(&["register", "a/b", &second], 6).await;
    assert!(said.stderr.contains("incompatible-schema"), "{}", said.stderr);
    let listed = parsed(&run(&["list", "-o", "json"], 0).await.stdout);
    assert_eq!(
        (&listed[0]["type"], &listed[0]["latest"]),
        (&json!("a/b"), &json!(1))
    );
    assert!(
        run(&["get", "a/b"], 0)
            .await
            .stdout
            .contains("/v1/schemas/a%2Fb/versions/1")
    );
    let document = parsed(&run(&["get", "a/b", "latest"], 0).await.stdout);
    assert_eq!(document["properties"]["n"]["type"], json!("integer"));
    run(&["get", "a/b", "2"], 5).await;

    let (good, bad) = (
        file("good.json", &json!({ "n": 1 })),
        file("bad.json", &json!({ "n": "x" })),
    );
    assert_eq!(
        run(&["validate", "a/b", &good], 0).await.stdout.trim(),
        "valid by version 1"
    );
    let said = run(&["validate", "a/b", &bad, "--by", "1"], 1).await;
    assert!(said.stdout.contains("/n [type]"), "{}", said.stdout);
    run(&["diff", "a/b", &first], 0).await;
    let differences = parsed(&run(&["diff", "a/b", &second, "1", "-o", "json"], 1).await.stdout);
    assert_eq!(
        differences,
        json!([{ "pointer": "/properties/n/type", "from": "string", "to": "integer" }])
    );
    run(&["register", "a/b", "no-such-file"], 2).await;
}

#[tokio::test]
async fn a_source_is_set_shown_listed_and_removed() {
    let server = Server::start().await;
    let url = ["--url", server.url()];
    let run =
        async |args: &[&str], code: i32| tramline(&[&["sources"], args, &url].concat()).await.ended(code);
    run(
        &[
            "set", "shop", "--source", "/shop/*", "--type", "a", "--type", "b.*", "--owner", "me",
        ],
        0,
    )
    .await;
    let shown = parsed(&run(&["get", "shop", "-o", "json"], 0).await.stdout);
    assert_eq!(
        (&shown["types"], &shown["owner"]),
        (&json!(["a", "b.*"]), &json!("me"))
    );
    assert!(
        run(&["list"], 0)
            .await
            .stdout
            .contains("shop  /shop/*  a b.*  me")
    );
    run(&["rm", "shop"], 2).await;
    run(&["rm", "shop", "--yes"], 0).await;
    run(&["get", "shop"], 5).await;
}
