//! Who may connect and add, and over what.

use super::*;
use crate::authority::Authority;
use crate::target::Outcome;
use crate::target::queue::test_support::dialer;
use crate::target::queue::test_support::structured;
use crate::target::queue::test_support::trusting;

/// A user who may add to one stream and do nothing else; everybody else has a password.
const USERS: &str = "--user orders on >secret resetchannels ~orders -@all +xadd --requirepass secret";

async fn guarded() -> RedisServer {
    RedisServer::start_with(&USERS.split(' ').collect::<Vec<_>>()).await
}

#[tokio::test]
async fn a_login_that_fails_says_so_without_the_password() {
    let server = guarded().await;
    for user in [":wr0ng-pass", "orders:wr0ng-pass", "nobody:wr0ng-pass"] {
        let url = format!("redis://{user}@127.0.0.1:{}", server.port());
        let trouble = link_of(&url, &dialer()).await.err().expect("no login");
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
    let url = format!("redis://:secret@127.0.0.1:{}", server.port());
    let link = link_of(&url, &dialer()).await.unwrap();
    link.publish(&to("orders"), &structured("msg_1")).await.unwrap();
}

#[tokio::test]
async fn nobody_in_particular_is_turned_away() {
    let server = guarded().await;
    let link = link(server.port()).await.unwrap();
    let trouble = link
        .publish(&to("orders"), &structured("msg_1"))
        .await
        .unwrap_err();
    assert_eq!(
        (trouble.class, trouble.is_fatal),
        ("auth_failed", true),
        "{trouble:?}"
    );
}

#[tokio::test]
async fn a_user_may_add_where_it_may_and_nowhere_else() {
    let server = guarded().await;
    let url = format!("redis://orders:secret@127.0.0.1:{}", server.port());
    let link = link_of(&url, &dialer()).await.unwrap();
    link.publish(&to("orders"), &structured("msg_1")).await.unwrap();
    let trouble = link
        .publish(&to("others"), &structured("msg_1"))
        .await
        .unwrap_err();
    assert_eq!(
        (trouble.outcome, trouble.class),
        (Outcome::RetryLater, "auth_failed")
    );
    assert!(
        !trouble.is_fatal && trouble.reason.contains("`others`"),
        "{trouble:?}"
    );
    link.publish(&to("orders"), &structured("msg_2")).await.unwrap();
}

#[tokio::test]
async fn a_password_for_a_server_without_one_is_an_error() {
    let server = RedisServer::start().await;
    let url = format!("redis://:secret@127.0.0.1:{}", server.port());
    let trouble = link_of(&url, &dialer()).await.err().expect("no login");
    assert_eq!(trouble.class, "auth_failed");
}

#[tokio::test]
async fn a_database_that_is_none_is_a_fault_of_the_configuration() {
    let server = RedisServer::start().await;
    for path in ["99", "x", "1/2", "-1"] {
        let url = format!("redis://127.0.0.1:{}/{path}", server.port());
        let trouble = link_of(&url, &dialer()).await.err().expect("no link");
        assert_eq!(trouble.class, "config_error", "{path}: {trouble:?}");
    }
}

#[tokio::test]
async fn a_connection_is_secured_for_the_name_in_the_url() {
    let authority = Authority::new();
    let (cert, key) = authority.issue(&["localhost"]).pem();
    let dir = tempfile::tempdir().unwrap();
    let (cert_path, key_path) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&cert_path, cert).unwrap();
    std::fs::write(&key_path, key).unwrap();
    let (cert_path, key_path) = (cert_path.display().to_string(), key_path.display().to_string());
    let port = crate::brokers::free_port();
    let flags = [
        ("--tls-port", &*port.to_string()),
        ("--tls-cert-file", &cert_path),
        ("--tls-key-file", &key_path),
        ("--tls-ca-cert-file", &cert_path),
        ("--tls-auth-clients", "no"),
    ];
    let server = RedisServer::start_with(&flags.map(|(name, value)| [name, value]).concat()).await;
    let link = link_of(&format!("rediss://localhost:{port}"), &trusting(&authority))
        .await
        .unwrap();
    link.publish(&to("orders"), &structured("msg_1")).await.unwrap();
    assert_eq!(run::<u64>(&server, "XLEN orders").await, 1);
    let trouble = link_of(&format!("rediss://localhost:{port}"), &dialer())
        .await
        .err()
        .expect("no link");
    assert_eq!(trouble.class, "tls_error");
}
