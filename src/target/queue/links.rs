//! The open links to brokers: one for all targets that send to the same place as the same user.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use parking_lot::Mutex;

use super::link::BrokerLink;
use super::trouble::Trouble;

/// A link that nothing used for so long is closed.
const IDLE: Duration = Duration::from_mins(5);
/// What is known of a broker that cannot be reached is forgotten after so long without an attempt: longer
/// than a circuit stays open.
const TROUBLED: Duration = Duration::from_mins(15);
/// Time to say goodbye to brokers.
const GOODBYE: Duration = Duration::from_secs(1);

/// Tells one link from another: a digest of all that goes into it, credentials and the version of
/// their connection among it.
pub(super) type Key = [u8; 32];

/// What is known of a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrokerHealth {
    /// There is a link to it.
    Connected,
    /// There is none, because nothing was sent for a while.
    Idle,
    /// It cannot be reached, or ended the link; why.
    Failed(String),
}

/// The links to the brokers of one kind.
pub(super) struct Links<L> {
    slots: Mutex<HashMap<Key, Arc<Slot<L>>>>,
}

/// The place of one link, which is connected by one caller at a time.
struct Slot<L> {
    /// Where it leads, without credentials.
    place: String,
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State<L>>,
}

struct State<L> {
    link: Option<Arc<L>>,
    /// Why connecting failed or the link ended; of no other link than the last one.
    trouble: Option<Trouble>,
    /// When connecting failed, if that is the trouble. Callers that waited for it share it; what ended a
    /// link is about a message of somebody else.
    refused_at: Option<Instant>,
    used: Instant,
}

impl<L> Default for Links<L> {
    fn default() -> Self {
        Self {
            slots: Mutex::default(),
        }
    }
}

impl<L: BrokerLink> Links<L> {
    /// The link of this key, connected if it is not.
    ///
    /// Whoever asks while another caller connects gets what comes of that, also if it fails. Cancel-safe.
    pub(super) async fn link(
        &self,
        key: Key,
        place: &str,
        connect: impl Future<Output = Result<L, Trouble>>,
    ) -> Result<Arc<L>, Trouble> {
        let slot = self.slot(key, place);
        if let Some(link) = slot.usable() {
            return Ok(link);
        }
        let asked = Instant::now();
        let _turn = slot.turn.lock().await;
        if let Some(link) = slot.usable() {
            return Ok(link);
        }
        if let Some(trouble) = slot.refused_since(asked) {
            return Err(trouble);
        }
        match connect.await {
            Ok(link) => {
                let link = Arc::new(link);
                let mut state = slot.state.lock();
                state.link = Some(Arc::clone(&link));
                state.trouble = None;
                state.refused_at = None;
                Ok(link)
            }
            Err(trouble) => {
                let mut state = slot.state.lock();
                state.link = None;
                state.trouble = Some(trouble.clone());
                state.refused_at = Some(Instant::now());
                Err(trouble)
            }
        }
    }

    /// Notes that this link has failed. Says nothing about another one that has taken its place.
    pub(super) fn broke(&self, key: &Key, link: &Arc<L>, trouble: &Trouble) {
        let Some(slot) = self.slots.lock().get(key).cloned() else {
            return;
        };
        let mut state = slot.state.lock();
        if state
            .link
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, link))
        {
            state.trouble = Some(trouble.clone());
        }
    }

    /// What is known of the brokers, by place.
    pub(super) fn health(&self) -> Vec<(String, BrokerHealth)> {
        let slots: Vec<_> = self.slots.lock().values().cloned().collect();
        let health = slots.iter().map(|slot| {
            let state = slot.state.lock();
            let is_up = state.link.as_ref().is_some_and(|link| !link.is_broken());
            let health = match &state.trouble {
                _ if is_up => BrokerHealth::Connected,
                Some(trouble) => BrokerHealth::Failed(trouble.reason.clone()),
                None => BrokerHealth::Idle,
            };
            (slot.place.clone(), health)
        });
        health.collect()
    }

    /// Closes what nothing uses any more.
    pub(super) async fn close_idle(&self) {
        let mut closing = Vec::new();
        self.slots.lock().retain(|_, slot| {
            let mut state = slot.state.lock();
            let is_in_use = state
                .link
                .as_ref()
                .is_some_and(|link| Arc::strong_count(link) > 1);
            let most = if state.trouble.is_some() { TROUBLED } else { IDLE };
            let is_kept = is_in_use || Arc::strong_count(slot) > 1 || state.used.elapsed() < most;
            if !is_kept {
                closing.extend(state.link.take());
            }
            is_kept
        });
        close(closing).await;
    }

    /// Closes all of them.
    pub(super) async fn close(&self) {
        let slots: Vec<_> = self.slots.lock().drain().map(|(_, slot)| slot).collect();
        close(
            slots
                .iter()
                .filter_map(|slot| slot.state.lock().link.take())
                .collect(),
        )
        .await;
    }

    fn slot(&self, key: Key, place: &str) -> Arc<Slot<L>> {
        let mut slots = self.slots.lock();
        let slot = slots.entry(key).or_insert_with(|| {
            Arc::new(Slot {
                place: place.to_owned(),
                turn: tokio::sync::Mutex::default(),
                state: Mutex::new(State {
                    link: None,
                    trouble: None,
                    refused_at: None,
                    used: Instant::now(),
                }),
            })
        });
        slot.state.lock().used = Instant::now();
        Arc::clone(slot)
    }
}

impl<L: BrokerLink> Slot<L> {
    fn usable(&self) -> Option<Arc<L>> {
        let state = self.state.lock();
        state.link.as_ref().filter(|link| !link.is_broken()).cloned()
    }

    /// What became of connecting since `asked`, if that failed.
    fn refused_since(&self, asked: Instant) -> Option<Trouble> {
        let state = self.state.lock();
        state.refused_at.filter(|at| *at >= asked)?;
        state.trouble.clone()
    }
}

/// Those that somebody still uses end with their last user.
async fn close<L: BrokerLink>(links: Vec<Arc<L>>) {
    let goodbyes = links.into_iter().filter_map(Arc::into_inner).map(L::close);
    let all = futures_util::future::join_all(goodbyes);
    if tokio::time::timeout(GOODBYE, all).await.is_err() {
        tracing::debug!("a broker did not take its leave in time");
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::brokers::RedisServer;
    use crate::brokers::Relay;
    use crate::brokers::free_port;
    use crate::target::queue::redis::Link;
    use crate::target::queue::test_support::breaks;
    use crate::target::queue::test_support::dialer;
    use crate::target::queue::test_support::link_of;

    const KEY: Key = [1; 32];
    const PLACE: &str = "redis://orders";

    async fn linked(links: &Links<Link>, port: u16) -> Result<Arc<Link>, Trouble> {
        links.link(KEY, PLACE, connected(port)).await
    }

    async fn connected(port: u16) -> Result<Link, Trouble> {
        link_of(&format!("redis://127.0.0.1:{port}"), &dialer()).await
    }

    /// Ends the link, and lets the next one through.
    async fn cut(relay: &Relay, link: &Link) {
        relay.cut();
        breaks(link).await;
        relay.release();
    }

    fn ambiguous() -> Trouble {
        Trouble::later("ambiguous", "the answer did not come").fatal()
    }

    fn health(links: &Links<Link>) -> BrokerHealth {
        links.health().pop().expect("one place").1
    }

    #[tokio::test]
    async fn what_ended_a_link_is_not_said_of_the_one_that_took_its_place() {
        let server = RedisServer::start().await;
        let relay = Relay::to(server.port()).await;
        let links = Links::default();
        let first = linked(&links, relay.port()).await.unwrap();
        cut(&relay, &first).await;
        let second = linked(&links, relay.port()).await.unwrap();
        links.broke(&KEY, &first, &ambiguous());
        assert_eq!(health(&links), BrokerHealth::Connected);
        cut(&relay, &second).await;
        assert_eq!(
            health(&links),
            BrokerHealth::Idle,
            "nobody has had trouble with it"
        );
        links.broke(&KEY, &second, &ambiguous());
        assert_eq!(health(&links), BrokerHealth::Failed(ambiguous().reason));
    }

    #[tokio::test]
    async fn who_waits_for_a_link_that_then_ends_gets_another_one_and_no_trouble_of_somebody_else() {
        let server = RedisServer::start().await;
        let relay = Relay::to(server.port()).await;
        let links = Links::default();
        let mut connecting = pin!(linked(&links, relay.port()));
        assert!(connecting.as_mut().now_or_never().is_none());
        let mut waiting = pin!(linked(&links, relay.port()));
        assert!(waiting.as_mut().now_or_never().is_none());
        let first = connecting.await.unwrap();
        cut(&relay, &first).await;
        links.broke(&KEY, &first, &ambiguous());
        let second = waiting.await.unwrap();
        assert!(!second.is_broken());
    }

    #[tokio::test]
    async fn who_waits_while_another_caller_connects_shares_its_failure_and_who_comes_later_does_not() {
        let links = Links::default();
        let port = free_port();
        let mut connecting = pin!(linked(&links, port));
        assert!(connecting.as_mut().now_or_never().is_none());
        let second_attempt = async { panic!("the first one was enough") };
        let mut waiting = pin!(links.link(KEY, PLACE, second_attempt));
        assert!(waiting.as_mut().now_or_never().is_none());
        let refusal = connecting.await.err().expect("no link");
        assert_eq!(refusal.class, "connect_error");
        assert_eq!(waiting.await.err().expect("no link"), refusal);
        assert_eq!(health(&links), BrokerHealth::Failed(refusal.reason));

        let server = RedisServer::start_at(port).await;
        linked(&links, server.port()).await.unwrap();
        assert_eq!(health(&links), BrokerHealth::Connected);
    }
}
