//! What was said to be delivered is there, whatever happened.

use std::collections::BTreeSet;

use parking_lot::Mutex;

use super::*;
use crate::target::queue::test_support::structured;

#[tokio::test]
async fn everything_that_was_delivered_is_in_the_table_after_a_kill() {
    let mut server = fixture().await;
    let delivered = Mutex::new(BTreeSet::new());
    for round in 0..3 {
        let link = link(server.port()).await.unwrap();
        let publishing = async {
            let lanes = (0..32).map(|lane| {
                let (link, delivered) = (&link, &delivered);
                async move {
                    for number in 0.. {
                        let id = format!("msg_{round}_{lane}_{number}");
                        match link.publish(&to("events"), &structured(&id)).await {
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
            server.kill().await;
        };
        tokio::time::timeout(DEADLINE, async { tokio::join!(publishing, killing) })
            .await
            .expect("an end");
        server.start_again().await;
    }
    let mut missing = delivered.into_inner();
    for id in server.column("SELECT id FROM events").await {
        missing.remove(&id);
    }
    assert!(missing.is_empty(), "{} of them: {missing:?}", missing.len());
}
