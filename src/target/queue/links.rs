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
    trouble: Option<(Instant, Trouble)>,
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
        if let Some((at, trouble)) = &slot.state.lock().trouble
            && *at >= asked
        {
            return Err(trouble.clone());
        }
        match connect.await {
            Ok(link) => {
                let link = Arc::new(link);
                let mut state = slot.state.lock();
                state.link = Some(Arc::clone(&link));
                state.trouble = None;
                Ok(link)
            }
            Err(trouble) => {
                let mut state = slot.state.lock();
                state.link = None;
                state.trouble = Some((Instant::now(), trouble.clone()));
                Err(trouble)
            }
        }
    }

    /// Notes that the link has failed.
    pub(super) fn broke(&self, key: &Key, trouble: &Trouble) {
        let slot = self.slots.lock().get(key).cloned();
        if let Some(slot) = slot {
            slot.state.lock().trouble = Some((Instant::now(), trouble.clone()));
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
                Some((_, trouble)) => BrokerHealth::Failed(trouble.reason.clone()),
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
}

/// Those that somebody still uses end with their last user.
async fn close<L: BrokerLink>(links: Vec<Arc<L>>) {
    let goodbyes = links.into_iter().filter_map(Arc::into_inner).map(L::close);
    let all = futures_util::future::join_all(goodbyes);
    if tokio::time::timeout(GOODBYE, all).await.is_err() {
        tracing::debug!("a broker did not take its leave in time");
    }
}
