//! What the server refuses, and whether the link can be used afterwards.

use super::*;
use crate::brokers::eventually;
use crate::target::Outcome;
use crate::target::Until;
use crate::target::queue::test_support::publish_refused;
use crate::target::queue::test_support::structured;

async fn refused(link: &Link, stream: &str) -> Trouble {
    publish_refused(link, &to(stream), &structured("msg_1")).await
}

#[tokio::test]
async fn a_server_without_memory_pauses_the_route() {
    let server = RedisServer::start_with(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]).await;
    let link = link(server.port()).await.unwrap();
    let trouble = refused(&link, "orders").await;
    assert!(
        matches!(trouble.outcome, Outcome::PauseRoute(Until::After(_))),
        "{trouble:?}"
    );
    assert_eq!((trouble.class, trouble.is_fatal), ("throttled", false));
    run::<()>(&server, "CONFIG SET maxmemory 0").await;
    link.publish(&to("orders"), &structured("msg_1")).await.unwrap();
}

#[tokio::test]
async fn a_key_that_is_no_stream_is_never_one() {
    let server = RedisServer::start().await;
    run::<()>(&server, "SET orders x").await;
    let link = link(server.port()).await.unwrap();
    let trouble = refused(&link, "orders").await;
    assert_eq!(
        (trouble.outcome, trouble.class, trouble.is_fatal),
        (Outcome::Permanent, "wrong_type", false)
    );
    assert!(trouble.reason.contains("`orders`"));
    link.publish(&to("others"), &structured("msg_1")).await.unwrap();
}

#[tokio::test]
async fn a_replica_is_left_for_what_may_be_the_primary_next_time() {
    let primary = RedisServer::start().await;
    let replica = RedisServer::start().await;
    let link = link(replica.port()).await.unwrap();
    link.publish(&to("orders"), &structured("msg_1")).await.unwrap();
    run::<()>(&replica, &format!("REPLICAOF 127.0.0.1 {}", primary.port())).await;
    let trouble = refused(&link, "orders").await;
    assert_eq!(
        (trouble.outcome, trouble.class, trouble.is_fatal),
        (Outcome::RetryLater, "nacked", true)
    );
    run::<()>(&replica, "REPLICAOF NO ONE").await;
    let link = super::link(replica.port()).await.unwrap();
    link.publish(&to("orders"), &structured("msg_1")).await.unwrap();
}

#[tokio::test]
async fn a_cluster_is_not_followed_to_its_other_nodes() {
    let server = RedisServer::start_with(&["--cluster-enabled", "yes"]).await;
    let link = link(server.port()).await.unwrap();
    let trouble = refused(&link, "orders").await;
    assert_eq!(
        (trouble.outcome, trouble.class, trouble.is_fatal),
        (Outcome::RetryLater, "nacked", true)
    );
    assert!(trouble.reason.contains("CLUSTERDOWN"), "{trouble:?}");
}

#[tokio::test]
async fn a_server_that_still_loads_is_asked_again() {
    let flags = "--appendonly no --rdbcompression no --key-load-delay 100000 --loading-process-events-interval-bytes 1024";
    let mut server = RedisServer::start_with(&flags.split(' ').collect::<Vec<_>>()).await;
    let first = link(server.port()).await.unwrap();
    let mut large = structured("msg_1");
    large.body = vec![b'x'; 10_000].into();
    for number in 0..50 {
        first
            .publish(&to(&format!("orders_{number}")), &large)
            .await
            .unwrap();
    }
    run::<()>(&server, "SAVE").await;
    server.kill().await;
    server.spawn_again();
    let trouble = eventually("it loads", async || {
        let link = link(server.port()).await.ok()?;
        link.publish(&to("orders"), &structured("msg_1")).await.err()
    });
    let trouble = trouble.await;
    assert_eq!((trouble.outcome, trouble.is_fatal), (Outcome::RetryLater, true));
    assert!(trouble.reason.contains("LOADING"), "{trouble:?}");
}

#[tokio::test]
async fn a_stream_without_a_name_is_never_sent_to() {
    let server = RedisServer::start().await;
    let link = link(server.port()).await.unwrap();
    assert_eq!(refused(&link, "").await.class, "unroutable");
    assert_eq!(run::<u64>(&server, "DBSIZE").await, 0);
}
