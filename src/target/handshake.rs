//! The handshake of the `CloudEvents` HTTP webhook specification: whether a target wants to be called.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use url::Url;

use super::caller::Caller;
use super::exchange::Exchange;
use super::exchange::Outgoing;

/// Says in the question and in every call after it who calls.
pub(super) const ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");
const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const ALLOWED_RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");
/// A target that does not answer by then has not consented.
const DEADLINE: Duration = Duration::from_secs(15);

/// A target wants to be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent {
    /// At most so many calls a minute; none if there is no limit.
    pub per_minute: Option<u32>,
}

/// Asks a target for its consent.
///
/// # Errors
/// Why there is none, in a sentence for the owner of the target. Never what it answered.
pub(super) async fn ask(caller: &Caller, url: &Url, origin: &str) -> Result<Consent, String> {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_str(origin).map_err(|_| "the origin does not fit a header".to_owned())?;
    headers.insert(ORIGIN, value);
    let outgoing = Outgoing {
        method: Method::OPTIONS,
        url: Cow::Borrowed(url),
        headers,
        body: Bytes::new(),
        signing: None,
    };
    let mut exchange = Exchange::without_connection(caller, DEADLINE);
    let answer = exchange.send(outgoing).await;
    let answer = answer.map_err(|report| report.reason)?;
    let consent = read(answer.headers(), origin);
    let status = answer.status();
    // For the connection; the status and the body mean nothing.
    exchange.conclude(answer).await;
    consent.ok_or_else(|| format!("the target answered {status} without WebHook-Allowed-Origin for {origin}"))
}

fn read(answer: &HeaderMap, origin: &str) -> Option<Consent> {
    let text = |name| {
        answer
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    let allowed = text(ALLOWED_ORIGIN)?;
    if allowed != "*" && !allowed.eq_ignore_ascii_case(origin) {
        return None;
    }
    let per_minute = match text(ALLOWED_RATE) {
        None | Some("*") => None,
        // A target that wants no call at all has not consented.
        Some(rate) => match rate.parse() {
            Ok(0) => return None,
            Ok(rate) => Some(rate),
            Err(_) => None,
        },
    };
    Some(Consent { per_minute })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consent(pairs: &[(&'static str, &'static str)]) -> Option<Consent> {
        let pairs = pairs.iter().map(|(name, value)| {
            let value = HeaderValue::from_static(value);
            (HeaderName::from_static(name), value)
        });
        read(&pairs.collect(), "bus.example.com")
    }

    #[test]
    fn a_target_consents_by_naming_the_origin_or_all() {
        let any = Some(Consent { per_minute: None });
        assert_eq!(consent(&[("webhook-allowed-origin", "*")]), any);
        assert_eq!(consent(&[("webhook-allowed-origin", "Bus.Example.com")]), any);
        for refused in ["other.example.com", "", "example.com", "*.example.com"] {
            let value: &'static str = refused;
            assert_eq!(consent(&[("webhook-allowed-origin", value)]), None, "{refused}");
        }
        assert_eq!(consent(&[]), None);
    }

    #[test]
    fn the_rate_that_is_granted_is_a_number_of_calls_a_minute() {
        let granted =
            |rate: &'static str| consent(&[("webhook-allowed-origin", "*"), ("webhook-allowed-rate", rate)]);
        assert_eq!(
            granted("120"),
            Some(Consent {
                per_minute: Some(120)
            })
        );
        assert_eq!(granted("*"), Some(Consent { per_minute: None }));
        assert_eq!(granted("many"), Some(Consent { per_minute: None }));
        assert_eq!(granted("0"), None);
    }
}
