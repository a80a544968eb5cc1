//! What was said to be delivered is there, whatever happened.

use std::collections::BTreeSet;

use parking_lot::Mutex;

use super::*;
use crate::target::queue::test_support::structured;

#[tokio::test]
async fn everything_that_was_delivered_is_in_the_stream_after_a_kill() {
    let mut fixture = Fixture::new().await;
    let delivered = Mutex::new(BTreeSet::new());
    for round in 0..3 {
        let link = fixture.link().await;
        let publishing = async {
            let lanes = (0..32).map(|lane| {
                let (link, delivered) = (&link, &delivered);
                async move {
                    for number in 0.. {
                        let id = format!("msg_{round}_{lane}_{number}");
                        match link.publish(&to("orders.placed"), &structured(&id)).await {
                            Ok(()) => delivered.lock().insert(id),
                            Err(trouble) => return assert!(trouble.is_fatal, "{trouble:?}"),
                        };
                    }
                }
            });
            futures_util::future::join_all(lanes).await;
        };
        let goal = (round + 1) * 500;
        let killing = async {
            crate::brokers::eventually("enough", async || (delivered.lock().len() >= goal).then_some(()))
                .await;
            fixture.server.kill().await;
        };
        tokio::time::timeout(DEADLINE, async { tokio::join!(publishing, killing) })
            .await
            .expect("an end");
        fixture.server.start_again().await;
    }
    let stream = made(fixture.server.port(), jetstream::stream::Config::default()).await;
    let mut missing = delivered.into_inner();
    let state = stream.get_info().await.unwrap().state;
    for sequence in state.first_sequence..=state.last_sequence {
        let message = stream.get_raw_message(sequence).await.unwrap();
        missing.remove(message.headers.get("Nats-Msg-Id").unwrap().as_str());
    }
    assert!(missing.is_empty(), "{} of them: {missing:?}", missing.len());
}
