//! What was said to be delivered is there, whatever happened.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use parking_lot::Mutex;

use super::DEADLINE;
use super::structured;
use crate::brokers::eventually;
use crate::target::queue::link::BrokerLink;

/// Messages that publish at once.
const LANES: usize = 32;
/// Deliveries of one round before its end.
const ENOUGH: usize = 500;

/// The ids of what was said to be delivered, in rounds that each end with the end of the server.
#[derive(Default)]
pub(crate) struct Ledger {
    delivered: Mutex<BTreeSet<String>>,
    rounds: usize,
}

impl Ledger {
    /// Publishes on and on, lets the server be killed in the midst of it, and waits until the link knows.
    pub(crate) async fn publish_until<L: BrokerLink>(
        &mut self,
        link: &L,
        to: &L::Address,
        kill: impl Future<Output = ()>,
    ) {
        self.rounds += 1;
        let publishing = join_all((0..LANES).map(|lane| self.publish(link, to, lane)));
        let killing = async {
            let is_enough = async || (self.delivered.lock().len() >= self.rounds * ENOUGH).then_some(());
            eventually("enough", is_enough).await;
            kill.await;
        };
        tokio::time::timeout(DEADLINE, async { tokio::join!(publishing, killing) })
            .await
            .expect("an end");
    }

    /// One message after the other, until the link is of no use any more.
    async fn publish<L: BrokerLink>(&self, link: &L, to: &L::Address, lane: usize) {
        for number in 0.. {
            let id = format!("msg_{}_{lane}_{number}", self.rounds);
            match link.publish(to, &structured(&id)).await {
                Ok(()) => drop(self.delivered.lock().insert(id)),
                Err(trouble) => return assert!(trouble.is_fatal, "{trouble:?}"),
            }
        }
    }

    /// Compares it with the ids that are there.
    pub(crate) fn settle(self, there: impl IntoIterator<Item = String>) {
        let mut missing = self.delivered.into_inner();
        for id in there {
            missing.remove(&id);
        }
        assert!(missing.is_empty(), "{} of them: {missing:?}", missing.len());
    }
}
