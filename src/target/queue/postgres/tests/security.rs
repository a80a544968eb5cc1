//! Who may connect and insert, and over what.

use super::*;
use crate::authority::Authority;
use crate::target::Outcome;
use crate::target::queue::test_support::dialer;
use crate::target::queue::test_support::structured;
use crate::target::queue::test_support::trusting;

#[tokio::test]
async fn a_login_that_fails_says_so_without_the_password() {
    let server = fixture().await;
    for user in ["tramline:wr0ng-pass", "nobody:wr0ng-pass", "tramline"] {
        let url = format!("postgres://{user}@127.0.0.1:{}/postgres", server.port());
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
}

#[tokio::test]
async fn a_url_that_cannot_be_used_is_a_fault_of_the_configuration() {
    let server = fixture().await;
    let port = server.port();
    for url in [
        format!("postgres://tramline:correct-horse@127.0.0.1:{port}/nowhere"),
        format!("postgres://tramline:correct-horse@127.0.0.1:{port}/postgres?sslmode=maybe"),
        format!("postgres://tramline:correct-horse@127.0.0.1:{port}/postgres?options=-csearch_path%3Dx"),
        format!("postgres://127.0.0.1:{port}/postgres"),
        format!("postgres://tramline:correct-horse@127.0.0.1:{port}/%00"),
        format!("postgres://tramline:correct-horse@127.0.0.1:{port}/%zz"),
    ] {
        let trouble = link_of(&url, &dialer()).await.err().expect("no link");
        assert_eq!(
            (trouble.class, trouble.is_fatal),
            ("config_error", true),
            "{url}: {trouble:?}"
        );
    }
}

#[tokio::test]
async fn a_user_without_a_permission_is_told_which_table_it_is_about() {
    let server = fixture().await;
    let link = link(server.port()).await.unwrap();
    for change in [
        "REVOKE INSERT ON events FROM tramline",
        "GRANT INSERT ON events TO tramline; REVOKE SELECT (id) ON events FROM tramline",
    ] {
        server.run(change).await;
        let trouble = link
            .publish(&to("events"), &structured("msg_1"))
            .await
            .unwrap_err();
        assert_eq!(
            (trouble.outcome, trouble.class),
            (Outcome::RetryLater, "auth_failed"),
            "{trouble:?}"
        );
        assert!(
            !trouble.is_fatal && trouble.reason.contains("`events`"),
            "{trouble:?}"
        );
    }
    server.run("GRANT SELECT (id) ON events TO tramline").await;
    link.publish(&to("events"), &structured("msg_1")).await.unwrap();
}

#[tokio::test]
async fn a_server_without_tls_is_refused_when_tls_is_required() {
    let server = fixture().await;
    for mode in ["require", "verify-ca", "verify-full"] {
        let url = format!(
            "postgres://tramline:correct-horse@127.0.0.1:{}/postgres?sslmode={mode}",
            server.port()
        );
        assert_eq!(
            link_of(&url, &dialer()).await.err().expect("no link").class,
            "tls_error"
        );
    }
    for mode in ["disable", "prefer"] {
        let url = format!(
            "postgres://tramline:correct-horse@127.0.0.1:{}/postgres?sslmode={mode}",
            server.port()
        );
        assert!(link_of(&url, &dialer()).await.is_ok());
    }
}

#[tokio::test]
async fn a_connection_is_secured_for_the_name_in_the_url() {
    let authority = Authority::new();
    let (cert, key) = authority.issue(&["localhost"]).pem();
    let settings = [
        ("ssl", "on"),
        ("ssl_cert_file", "cert.pem"),
        ("ssl_key_file", "key.pem"),
    ];
    let server = PostgresServer::start_with_files(&settings, &[("cert.pem", &cert), ("key.pem", &key)]).await;
    server.run(TABLE).await;
    server.run(USER).await;
    let url = |host: &str, mode: &str| {
        format!(
            "postgres://tramline:correct-horse@{host}:{}/postgres{mode}",
            server.port()
        )
    };
    let trusted = trusting(&authority);
    let link = link_of(&url("localhost", "?sslmode=verify-full"), &trusted)
        .await
        .unwrap();
    link.publish(&to("events"), &structured("msg_1")).await.unwrap();
    let secured =
        "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'tramline'";
    assert_eq!(server.value(secured).await.as_deref(), Some("t"));
    assert!(link_of(&url("localhost", ""), &trusted).await.is_ok());
    let wrong = [
        (url("127.0.0.1", "?sslmode=require"), &trusted),
        (url("localhost", "?sslmode=require"), &dialer()),
        (url("localhost", ""), &dialer()),
    ];
    for (url, dialer) in wrong {
        assert_eq!(
            link_of(&url, dialer).await.err().expect("no link").class,
            "tls_error",
            "{url}"
        );
    }
}
