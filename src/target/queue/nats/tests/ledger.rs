//! What was said to be delivered is there, whatever happened.

use super::*;
use crate::target::queue::test_support::Ledger;

#[tokio::test]
async fn everything_that_was_delivered_is_in_the_stream_after_a_kill() {
    let mut fixture = Fixture::new().await;
    let mut ledger = Ledger::default();
    for _ in 0..3 {
        let link = fixture.link().await;
        let kill = fixture.server.kill();
        ledger.publish_until(&link, &to("orders.placed"), kill).await;
        fixture.server.start_again().await;
    }
    let stream = made(fixture.server.port(), jetstream::stream::Config::default()).await;
    let state = stream.get_info().await.unwrap().state;
    let mut there = Vec::new();
    for sequence in state.first_sequence..=state.last_sequence {
        let message = stream.get_raw_message(sequence).await.unwrap();
        there.push(message.headers.get("Nats-Msg-Id").unwrap().to_string());
    }
    ledger.settle(there);
}
