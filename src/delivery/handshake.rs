//! The consent of targets that want to be asked before they are called.
//!
//! Asked in a task of its own, after the change that brought the target is in force, and again
//! after every start: a consent is no promise beyond the process that got it. Until a target that
//! must consent has done so, its route is held; one that may consent is called all the same.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use url::Url;

use super::engine::Shared;
use super::route::Route;
use crate::catalog::Handshake;
use crate::catalog::Target;
use crate::target::Consent;

/// Between questions, doubling up to the second.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));
const MINUTE_MS: i64 = 60_000;
/// A target that need not consent is asked so often.
const TRIES: u32 = 3;

/// Whether the target of a route has consented.
#[derive(Debug, Default)]
pub(super) struct Consents(Mutex<Option<Asked>>);

#[derive(Debug)]
struct Asked {
    url: Url,
    /// Asked until it consents.
    must: bool,
    /// Once it has given it.
    consent: Option<Consent>,
    /// When the rate that it grants allows the next call.
    next_ms: i64,
}

impl Consents {
    /// Whether nothing may be sent to the target because it has not consented.
    pub(super) fn is_missing(&self, target: &Target) -> bool {
        let Some((Handshake::Required, url)) = target.kind.handshake() else {
            return false;
        };
        let asked = self.0.lock();
        let consent = asked.as_ref().filter(|asked| asked.url == *url);
        consent.is_none_or(|asked| asked.consent.is_none())
    }

    /// The steady time before which the target wants no call.
    ///
    /// Without its consent that is a minute away; the worker is woken when there is one.
    pub(super) fn opens_ms(&self, target: &Target, steady_ms: i64) -> i64 {
        if self.is_missing(target) {
            return steady_ms.saturating_add(MINUTE_MS);
        }
        self.next_ms()
    }

    fn next_ms(&self) -> i64 {
        self.0.lock().as_ref().map_or(i64::MIN, |asked| asked.next_ms)
    }

    /// Takes note of a call: what a target allows a minute is spread evenly.
    pub(super) fn called(&self, steady_ms: i64) {
        if let Some(asked) = self.0.lock().as_mut()
            && let Some(per_minute) = asked.consent.and_then(|consent| consent.per_minute)
        {
            asked.next_ms = asked.next_ms.max(steady_ms) + MINUTE_MS / i64::from(per_minute.max(1));
        }
    }

    /// Takes note that this URL is asked from now on; false if it is already, as long as it must be.
    fn begin(&self, url: &Url, must: bool) -> bool {
        let mut asked = self.0.lock();
        let is_asked = |asked: &Asked| asked.url == *url && (asked.must || !must || asked.consent.is_some());
        if asked.as_ref().is_some_and(is_asked) {
            return false;
        }
        *asked = Some(Asked {
            url: url.clone(),
            must,
            consent: None,
            next_ms: i64::MIN,
        });
        true
    }

    fn take(&self, url: &Url, consent: Consent) {
        if let Some(asked) = self.0.lock().as_mut().filter(|asked| asked.url == *url) {
            asked.consent = Some(consent);
        }
    }

    fn forget(&self) {
        *self.0.lock() = None;
    }
}

impl Shared {
    /// Asks the target of a route, if it is to be asked and was not; never waits.
    pub(super) fn shake_hands(self: &Arc<Self>, route: &Arc<Route>, target: &Target) {
        let Some((handshake, url)) = target.kind.handshake() else {
            return route.consents.forget();
        };
        if route.consents.begin(url, handshake == Handshake::Required) {
            let (shared, route, url) = (Arc::clone(self), Arc::clone(route), url.clone());
            self.workers.spawn(async move { shared.ask(&route, &url).await });
        }
    }

    /// Asks until the target consents, need not consent, or is another one.
    async fn ask(self: &Arc<Self>, route: &Arc<Route>, url: &Url) {
        let (mut wait, longest) = AGAIN;
        for tries in 1_u32.. {
            let must = match self
                .view
                .load()
                .target(route.id)
                .and_then(|target| target.kind.handshake())
            {
                Some((handshake, present)) if present == url => handshake == Handshake::Required,
                _ => return,
            };
            let Some(answer) = self.stop.run_until_cancelled(self.targets.ask(url)).await else {
                return;
            };
            match answer {
                Ok(consent) => {
                    route.consents.take(url, consent);
                    return self.wake(route);
                }
                Err(why) => {
                    tracing::warn!(route = route.id.0, why, "a target has not consented to be called");
                }
            }
            if !must && tries >= TRIES {
                return;
            }
            if self
                .stop
                .run_until_cancelled(tokio::time::sleep(wait))
                .await
                .is_none()
            {
                return;
            }
            wait = (wait * 2).min(longest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_as_far_apart_as_the_target_wants() {
        let url = Url::parse("http://h/").unwrap();
        let consents = Consents::default();
        assert!(consents.begin(&url, false) && !consents.begin(&url, false));
        assert!(consents.begin(&url, true), "now it is asked until it consents");
        assert!(!consents.begin(&url, true) && !consents.begin(&url, false));
        consents.called(5);
        assert_eq!(consents.next_ms(), i64::MIN, "nothing is granted yet");
        consents.take(
            &url,
            Consent {
                per_minute: Some(120),
            },
        );
        consents.called(1_000);
        consents.called(1_000);
        assert_eq!(consents.next_ms(), 2_000);
        consents.called(9_000);
        assert_eq!(consents.next_ms(), 9_500);
        // Another target is asked anew, and has granted nothing.
        assert!(consents.begin(&Url::parse("http://other/").unwrap(), false));
        assert_eq!(consents.next_ms(), i64::MIN);
    }
}
