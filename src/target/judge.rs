//! What an answer, or the lack of one, means for the delivery.

use std::time::Duration;

use http::HeaderMap;
use http::StatusCode;

use super::Outcome;
use super::Report;
use super::retry_after;
use crate::egress::CallError;

/// Statuses that say this request will never be taken.
const PERMANENT: [u16; 11] = [400, 405, 406, 411, 413, 414, 415, 422, 431, 451, 505];

/// Success is the status line; redirects are not followed, because they would leave the guard.
pub(super) fn answered(status: StatusCode, headers: &HeaderMap) -> Report {
    let code = status.as_u16();
    let asked = retry_after::read(headers).map(Outcome::PauseRoute);
    let (outcome, class) = match code {
        200..=299 => (Outcome::Delivered, "ok".to_owned()),
        300..=399 => (Outcome::Permanent, "redirect_not_followed".to_owned()),
        410 => (Outcome::Gone, "gone".to_owned()),
        401 | 403 | 407 => (Outcome::RetryLater, "auth_failed".to_owned()),
        429 => (asked.unwrap_or(Outcome::RetryLater), "throttled".to_owned()),
        503 if asked.is_some() => (asked.unwrap_or(Outcome::RetryLater), "throttled".to_owned()),
        _ if PERMANENT.contains(&code) => (Outcome::Permanent, format!("rejected_{code}")),
        _ => (Outcome::RetryLater, format!("http_{code}")),
    };
    let mut report = Report::of(outcome, &class, format!("target answered {status}"));
    report.status = Some(code);
    report
}

/// The whole attempt has its deadline; the target may have the event.
pub(super) fn timed_out(deadline: Duration) -> Report {
    let reason = format!("no answer within {} ms", deadline.as_millis());
    Report::of(Outcome::RetryLater, "timeout", reason)
}

/// Nothing was sent, because the credentials for it cannot be had.
pub(super) fn unsent(reason: impl Into<String>) -> Report {
    Report::of(Outcome::Unsent, "auth_unavailable", reason)
}

/// The client's error as a report.
pub(super) fn failed(error: &CallError) -> Report {
    let (outcome, class) = meaning(error);
    Report::of(outcome, class, error.to_string())
}

/// What the client's error means, and its class.
pub(super) const fn meaning(error: &CallError) -> (Outcome, &'static str) {
    match error {
        CallError::Denied(_) => (Outcome::Permanent, "egress_blocked"),
        CallError::Unresolved => (Outcome::RetryLater, "dns_error"),
        CallError::Unconnected(_) | CallError::NoTunnel => (Outcome::RetryLater, "connect_error"),
        CallError::Insecure(_) => (Outcome::RetryLater, "tls_error"),
        CallError::Protocol => (Outcome::RetryLater, "protocol_error"),
        CallError::Request => (Outcome::Permanent, "format_error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_decides_between_delivered_retry_and_permanent() {
        let judged = |code: u16| answered(StatusCode::from_u16(code).unwrap(), &HeaderMap::new()).outcome;
        for code in [200, 201, 202, 204, 299] {
            assert_eq!(judged(code), Outcome::Delivered, "{code}");
        }
        for code in [301, 302, 307, 400, 405, 413, 415, 422, 431, 451, 505] {
            assert_eq!(judged(code), Outcome::Permanent, "{code}");
        }
        assert_eq!(judged(410), Outcome::Gone);
        for code in [401, 403, 404, 408, 409, 425, 429, 500, 502, 503, 504, 599] {
            assert_eq!(judged(code), Outcome::RetryLater, "{code}");
        }
    }
}
