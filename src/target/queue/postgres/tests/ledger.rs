//! What was said to be delivered is there, whatever happened.

use super::*;
use crate::target::queue::test_support::Ledger;

#[tokio::test]
async fn everything_that_was_delivered_is_in_the_table_after_a_kill() {
    let mut server = fixture().await;
    let mut ledger = Ledger::default();
    for _ in 0..3 {
        let link = link(server.port()).await.unwrap();
        ledger.publish_until(&link, &to("events"), server.kill()).await;
        server.start_again().await;
    }
    ledger.settle(server.column("SELECT id FROM events").await);
}
