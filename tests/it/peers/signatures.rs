//! Signatures, checked by the libraries that receivers use.

use serde_json::Value;
use serde_json::json;

use super::Script;
use super::recorded;
use crate::support::Answer;
use crate::support::Received;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;

/// 24 and 64 bytes, the shortest and the longest secret there is.
const NEW: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD: &str =
    "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";
const OTHER: &str = "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVy";

/// Delivers events in every mode to a target that signs like this, one of them twice; gives the calls.
async fn calls(sign: &str) -> Vec<Received> {
    let server = Server::start().await;
    let mut failed = false;
    let sink = Sink::answering(move |_| {
        let first = !std::mem::replace(&mut failed, true);
        Answer::Status(if first { 500 } else { 200 })
    })
    .await;
    let hook = |mode: &str| {
        format!(
            "      - name: {mode}\n        webhook: {{ url: \"{}\", mode: {mode}, sign: {sign} }}\n        \
             retry: {{ strategy: fixed, initial: 1s, jitter: none }}\n",
            sink.url("/")
        )
    };
    let targets: String = ["structured", "binary", "batched", "data"]
        .into_iter()
        .map(hook)
        .collect();
    server
        .apply(&format!(
            "rules:\n  - name: r\n    match: {{ type: [t] }}\n    targets:\n{targets}"
        ))
        .await;
    server
        .publish(&event(
            "id.with.dots",
            "t",
            &json!({ "name": "Žofie 😀", "n": 1e3 }),
        ))
        .await;
    server.settled(1, "delivered").await;
    let calls = sink.received();
    assert_eq!(calls.len(), 5);
    calls
}

async fn verified(script: Script, secret: &str, calls: &[Received]) -> Value {
    script.run(&[secret], &recorded(calls)).await
}

#[tokio::test]
async fn the_reference_libraries_verify_our_signatures_during_a_rotation_too() {
    for (sign, good) in [
        (format!("{{ secret: \"{NEW}\" }}"), vec![NEW]),
        (format!("{{ secrets: [\"{NEW}\", \"{OLD}\"] }}"), vec![NEW, OLD]),
    ] {
        let calls = calls(&sign).await;
        for call in &calls {
            let signatures = call.header("webhook-signature");
            let versions: Vec<_> = signatures
                .split(' ')
                .map(|one| one.split_once(',').unwrap().0)
                .collect();
            assert_eq!(versions, vec!["v1"; good.len()], "{signatures}");
        }
        for secret in [NEW, OLD, OTHER] {
            let expected = json!(vec![good.contains(&secret); 5]);
            let python = Script::python("standardwebhooks", "verify");
            assert_eq!(verified(python, secret, &calls).await, expected, "{secret}");
            let javascript = Script::javascript("verify");
            assert_eq!(verified(javascript, secret, &calls).await, expected, "{secret}");
        }
        // A body that is changed on the way is none of ours.
        let mut forged = calls[0].clone();
        forged.body = [&forged.body[..], b" "].concat().into();
        let python = Script::python("standardwebhooks", "verify");
        assert_eq!(verified(python, NEW, &[forged]).await, json!([false]));
    }
}

#[tokio::test]
async fn a_second_attempt_is_signed_anew_under_the_same_id() {
    let calls = calls(&format!("{{ secret: \"{NEW}\" }}")).await;
    let failed = &calls[0];
    let again = calls
        .iter()
        .skip(1)
        .find(|call| call.header("webhook-id") == failed.header("webhook-id"))
        .expect("a second attempt");
    assert_eq!(failed.body, again.body);
    assert_ne!(
        failed.header("webhook-timestamp"),
        again.header("webhook-timestamp")
    );
    assert_ne!(
        failed.header("webhook-signature"),
        again.header("webhook-signature")
    );
}

#[tokio::test]
async fn another_implementation_of_ed25519_verifies_our_signatures() {
    let keys = Script::python("cryptography", "keys")
        .run(&[], &json!(null))
        .await;
    let text = |name: &str| keys[name].as_str().unwrap().to_owned();
    for private in ["private", "both"] {
        let calls = calls(&format!("{{ ed25519: \"{}\" }}", text(private))).await;
        let script = Script::python("cryptography", "verify");
        assert_eq!(
            verified(script, &text("public"), &calls).await,
            json!(vec![true; 5])
        );
    }
}

#[tokio::test]
async fn secrets_are_shown_to_nobody() {
    let server = Server::start().await;
    let rules = format!(
        "rules:\n  - name: r\n    match: {{ type: [t] }}\n    targets:\n      - name: hook\n        \
         webhook: {{ url: \"http://127.0.0.1:1/\", sign: {{ secrets: [\"{NEW}\", \"${{env:TRAMLINE_SECRET_X}}\"] }} }}\n"
    );
    server.apply(&rules).await;
    let rule = server.get("/v1/buses/default/rules/r").await;
    let shown = &rule["spec"]["targets"][0]["webhook"]["sign"]["secrets"];
    let shown = if shown.is_null() {
        &rule["targets"][0]["webhook"]["sign"]["secrets"]
    } else {
        shown
    };
    assert_eq!(*shown, json!(["***", "${env:TRAMLINE_SECRET_X}"]), "{rule}");
    let bad = rules.replace(NEW, "whsec_dG9vc2hvcnQ=");
    let refused = server
        .request(reqwest::Method::POST, "/v1/apply")
        .header("content-type", "application/yaml")
        .body(bad);
    let (status, problem) = server.call(refused).await;
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("invalid-signing-key")),
        "{problem}"
    );
    assert!(!problem.to_string().contains("dG9vc2hvcnQ"), "{problem}");
}
