//! What the server refuses, and whether the link can be used afterwards.

use super::*;
use crate::target::Outcome;
use crate::target::queue::test_support::publish_refused;
use crate::target::queue::test_support::structured;

async fn refused(link: &Link, table: &str) -> Trouble {
    publish_refused(link, &to(table), &structured("msg_1")).await
}

#[tokio::test]
async fn a_missing_table_is_a_fault_of_the_configuration_until_it_is_there() {
    let server = fixture().await;
    let link = link(server.port()).await.unwrap();
    for (table, named) in [
        ("orders", "`orders`"),
        ("nowhere.events", "`nowhere.events`"),
        ("a.b.c", "a.b.c"),
    ] {
        let trouble = refused(&link, table).await;
        assert_eq!(
            (trouble.outcome, trouble.class),
            (Outcome::RetryLater, "config_error"),
            "{trouble:?}"
        );
        assert!(!trouble.is_fatal && trouble.reason.contains(named), "{trouble:?}");
    }
    link.publish(&to("events"), &structured("msg_1")).await.unwrap();
    server.run("DROP TABLE events").await;
    assert_eq!(refused(&link, "events").await.class, "config_error");
    server
        .run(&format!(
            "{TABLE}; GRANT INSERT, SELECT (id) ON events TO tramline"
        ))
        .await;
    link.publish(&to("events"), &structured("msg_1")).await.unwrap();
    assert!(!link.is_broken());
}

#[tokio::test]
async fn a_table_of_another_shape_is_a_fault_of_the_configuration() {
    let server = fixture().await;
    let link = link(server.port()).await.unwrap();
    for change in [
        "ALTER TABLE events DROP COLUMN bus",
        "ALTER TABLE events ADD COLUMN bus integer",
        "ALTER TABLE events DROP COLUMN bus, ADD COLUMN bus text, DROP CONSTRAINT events_pkey",
        "ALTER TABLE events ADD PRIMARY KEY (id), ADD COLUMN more text NOT NULL",
    ] {
        server.run(change).await;
        let trouble = refused(&link, "events").await;
        assert_eq!(
            (trouble.outcome, trouble.class),
            (Outcome::RetryLater, "config_error"),
            "{change}: {trouble:?}"
        );
    }
    server.run("ALTER TABLE events DROP COLUMN more").await;
    link.publish(&to("events"), &structured("msg_1")).await.unwrap();
}

#[tokio::test]
async fn a_constraint_refuses_one_event_for_good_and_another_unique_key_is_no_repetition() {
    let server = fixture().await;
    server
        .run("ALTER TABLE events ADD CONSTRAINT no_orders CHECK (type NOT LIKE 'order.%')")
        .await;
    let link = link(server.port()).await.unwrap();
    let trouble = refused(&link, "events").await;
    assert_eq!(
        (trouble.outcome, trouble.class, trouble.is_fatal),
        (Outcome::Permanent, "wrong_type", false)
    );
    assert!(trouble.reason.contains("`no_orders`"), "{trouble:?}");
    server
        .run("ALTER TABLE events DROP CONSTRAINT no_orders, ADD CONSTRAINT one_each UNIQUE (subject)")
        .await;
    link.publish(&to("events"), &structured("msg_0")).await.unwrap();
    let trouble = refused(&link, "events").await;
    assert_eq!(
        (trouble.outcome, trouble.class),
        (Outcome::Permanent, "wrong_type")
    );
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_left_for_one_that_may() {
    let server = fixture().await;
    server
        .run("ALTER ROLE tramline SET default_transaction_read_only = on")
        .await;
    let first = link(server.port()).await.unwrap();
    let trouble = refused(&first, "events").await;
    assert_eq!(
        (trouble.outcome, trouble.class, trouble.is_fatal),
        (Outcome::RetryLater, "nacked", true),
        "{trouble:?}"
    );
    server
        .run("ALTER ROLE tramline RESET default_transaction_read_only")
        .await;
    let second = link(server.port()).await.unwrap();
    second.publish(&to("events"), &structured("msg_1")).await.unwrap();
}

#[tokio::test]
async fn a_link_makes_do_with_the_connections_that_it_gets() {
    let server = fixture().await;
    server.run("ALTER ROLE tramline CONNECTION LIMIT 1").await;
    let only = link(server.port()).await.unwrap();
    only.publish(&to("events"), &structured("msg_1")).await.unwrap();
    let trouble = link(server.port()).await.err().expect("no link");
    assert_eq!(
        (trouble.outcome, trouble.class, trouble.is_fatal),
        (Outcome::RetryLater, "throttled", true)
    );
}

#[tokio::test]
async fn a_trigger_or_a_serialization_failure_may_work_later() {
    let server = fixture().await;
    let link = link(server.port()).await.unwrap();
    for (code, class) in [
        ("40001", "nacked"),
        ("40P01", "nacked"),
        ("P0001", "nacked"),
        ("53100", "throttled"),
    ] {
        server
            .run(&format!(
                "
            CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '{code}'; END $$;
            CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()"
            ))
            .await;
        let trouble = refused(&link, "events").await;
        assert_eq!((trouble.class, trouble.is_fatal), (class, false), "{trouble:?}");
        assert_ne!(trouble.outcome, Outcome::Permanent);
    }
    server.run("DROP TRIGGER refuse ON events").await;
    link.publish(&to("events"), &structured("msg_1")).await.unwrap();
}
