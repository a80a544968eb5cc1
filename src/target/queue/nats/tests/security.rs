//! Who may connect and publish, and over what.

use super::*;
use crate::authority::Authority;
use crate::target::Outcome;
use crate::target::queue::test_support::DEADLINE;
use crate::target::queue::test_support::dialer;
use crate::target::queue::test_support::structured;
use crate::target::queue::test_support::trusting;

const USERS: &str = r#"
authorization { users = [
  { user: "all", password: "secret" }
  { user: "orders", password: "secret", permissions: { publish: "orders.placed", subscribe: "_INBOX.>" } }
  { user: "deaf", password: "secret", permissions: { publish: "orders.>", subscribe: "nothing" } }
] }
"#;

async fn as_user(port: u16, user: &str) -> Result<Link, Trouble> {
    link_of(&format!("nats://{user}@127.0.0.1:{port}"), &dialer()).await
}

async fn with_users() -> NatsServer {
    let server = NatsServer::start_with(USERS).await;
    let options = async_nats::ConnectOptions::with_user_and_password("all".to_owned(), "secret".to_owned());
    let client = options
        .connect(format!("127.0.0.1:{}", server.port()))
        .await
        .unwrap();
    let config = jetstream::stream::Config {
        name: "ORDERS".to_owned(),
        subjects: vec!["orders.>".to_owned()],
        ..Default::default()
    };
    jetstream::new(client).create_stream(config).await.unwrap();
    server
}

#[tokio::test]
async fn a_login_that_fails_says_so_without_the_password() {
    let server = with_users().await;
    for user in ["all:wr0ng-pass", "nobody:wr0ng-pass", "wr0ng-pass", ""] {
        let trouble = as_user(server.port(), user).await.err().expect("no login");
        assert_eq!(
            (trouble.outcome, trouble.class),
            (Outcome::RetryLater, "auth_failed"),
            "{trouble:?}"
        );
        assert!(
            trouble.is_fatal && !trouble.reason.contains("wr0ng"),
            "{trouble:?}"
        );
    }
}

#[tokio::test]
async fn a_token_is_a_user_without_a_password() {
    let server = NatsServer::start_with(r#"authorization { token: "s3cr3t" }"#).await;
    assert!(as_user(server.port(), "s3cr3t").await.is_ok());
    assert_eq!(
        as_user(server.port(), "other")
            .await
            .err()
            .map(|trouble| trouble.class),
        Some("auth_failed")
    );
}

#[tokio::test]
async fn a_user_who_may_not_publish_hears_so_at_once_and_others_are_not_disturbed() {
    let server = with_users().await;
    let link = as_user(server.port(), "orders:secret").await.unwrap();
    let (good, bad) = (to("orders.placed"), to("orders.other"));
    let (first, second) = (structured("msg_1"), structured("msg_2"));
    let publishing = async { tokio::join!(link.publish(&good, &first), link.publish(&bad, &second)) };
    let (published, forbidden) = tokio::time::timeout(DEADLINE, publishing).await.expect("no wait");
    assert_eq!(published, Ok(()));
    let trouble = forbidden.unwrap_err();
    assert_eq!(
        (trouble.outcome, trouble.class),
        (Outcome::RetryLater, "auth_failed")
    );
    assert!(
        !trouble.is_fatal && trouble.reason.contains("`orders.other`"),
        "{trouble:?}"
    );
    link.publish(&good, &structured("msg_3")).await.unwrap();
    assert!(!link.is_broken());
}

#[tokio::test]
async fn a_user_who_cannot_hear_acknowledgements_is_told_when_it_connects() {
    let server = with_users().await;
    let trouble = as_user(server.port(), "deaf:secret")
        .await
        .err()
        .expect("no link");
    assert_eq!(trouble.class, "auth_failed");
    assert!(trouble.reason.contains("Subscription"), "{trouble:?}");
}

#[tokio::test]
async fn a_connection_is_secured_for_the_name_in_the_url() {
    let authority = Authority::new();
    let (cert, key) = authority.issue(&["localhost"]).pem();
    let dir = tempfile::tempdir().unwrap();
    let (cert_path, key_path) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&cert_path, cert).unwrap();
    std::fs::write(&key_path, key).unwrap();
    let tls = format!("tls {{ cert_file: {cert_path:?}, key_file: {key_path:?} }}");
    let server = NatsServer::start_with(&tls).await;
    let port = server.port();
    let trusted = trusting(&authority);
    for scheme in ["tls", "nats"] {
        let link = link_of(&format!("{scheme}://localhost:{port}"), &trusted)
            .await
            .unwrap();
        let trouble = link
            .publish(&to("orders.placed"), &structured("msg_1"))
            .await
            .unwrap_err();
        assert_eq!(
            trouble.class, "config_error",
            "it speaks, though it has no stream"
        );
    }
    let wrong = [
        (format!("tls://127.0.0.1:{port}"), &trusted),
        (format!("nats://127.0.0.1:{port}"), &trusted),
        (format!("tls://localhost:{port}"), &dialer()),
    ];
    for (url, dialer) in wrong {
        let trouble = link_of(&url, dialer).await.err().expect("no link");
        assert_eq!(
            (trouble.outcome, trouble.class),
            (Outcome::RetryLater, "tls_error"),
            "{url}"
        );
    }
}

#[tokio::test]
async fn a_server_without_tls_gets_no_login_from_a_tls_url() {
    let server = NatsServer::start().await;
    let url = format!("tls://127.0.0.1:{}", server.port());
    let trouble = link_of(&url, &dialer()).await.err().expect("no link");
    assert_eq!(trouble.class, "tls_error");
}
