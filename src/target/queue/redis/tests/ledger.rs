//! What was said to be delivered is there, whatever happened.

use super::*;
use crate::target::queue::test_support::Ledger;

#[tokio::test]
async fn everything_that_was_delivered_is_in_the_stream_after_a_kill() {
    let mut server = RedisServer::start().await;
    let mut ledger = Ledger::default();
    for _ in 0..3 {
        let link = link(server.port()).await.unwrap();
        ledger.publish_until(&link, &to("orders"), server.kill()).await;
        server.start_again().await;
    }
    let entries: Vec<(String, Vec<(String, String)>)> = run(&server, "XRANGE orders - +").await;
    ledger.settle(entries.into_iter().map(|(_, fields)| fields[0].1.clone()));
}
