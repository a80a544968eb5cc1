//! What the answer to a message means.

use std::time::Duration;

use serde::Deserialize;

use super::wire::Answer;
use crate::target::Outcome;
use crate::target::Until;
use crate::target::queue::Trouble;

/// Long enough for consumers to make room, short enough not to fall behind when they do.
const FULL_PAUSE: Duration = Duration::from_secs(5);

/// Nobody listens at the subject.
const NO_RESPONDERS: u16 = 503;

/// An acknowledgement of `JetStream`; `duplicate` is of no interest, for the stream has the event.
#[derive(Debug, Deserialize)]
struct Ack {
    error: Option<Fault>,
    #[serde(default)]
    stream: String,
}

/// What went wrong, by the numbers of the server's `errors.json`.
#[derive(Debug, Deserialize)]
struct Fault {
    #[serde(default)]
    code: u16,
    #[serde(default)]
    err_code: u32,
    #[serde(default)]
    description: String,
}

/// Whether a stream has the message.
pub(super) fn judge(subject: &str, answer: &Answer) -> Result<(), Trouble> {
    if answer.status == Some(NO_RESPONDERS) {
        let reason = format!("no JetStream stream takes the subject `{subject}`");
        return Err(Trouble::later("config_error", reason));
    }
    match serde_json::from_slice::<Ack>(&answer.payload) {
        Ok(Ack {
            error: Some(fault), ..
        }) => Err(refused(subject, &fault)),
        Ok(ack) if !ack.stream.is_empty() => Ok(()),
        _ => {
            let reason = format!("something other than JetStream answers at the subject `{subject}`");
            Err(Trouble::later("config_error", reason))
        }
    }
}

fn refused(subject: &str, fault: &Fault) -> Trouble {
    let description: String = fault
        .description
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    let reason = format!(
        "JetStream refuses the message for `{subject}`: {description} ({})",
        fault.err_code
    );
    match fault.err_code {
        // The stream or the server is full.
        10_077 | 10_047 | 10_023 | 10_028 => {
            Trouble::new(Outcome::PauseRoute(Until::After(FULL_PAUSE)), "throttled", reason)
        }
        10_054 => Trouble::never("too_large", reason),
        // JetStream is off, for the server or the account; the stream is sealed or gone.
        10_035 | 10_039 | 10_059 | 10_076 | 10_109 => Trouble::later("config_error", reason),
        _ if matches!(fault.code, 401 | 403) => Trouble::later("auth_failed", reason),
        _ => Trouble::later("nacked", reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: Option<u16>, payload: &'static str) -> Result<(), (&'static str, Outcome)> {
        let answer = Answer {
            token: None,
            status,
            payload: payload.into(),
        };
        judge("a.b", &answer).map_err(|trouble| {
            assert!(
                trouble.reason.contains("`a.b`") && !trouble.is_fatal,
                "{trouble:?}"
            );
            (trouble.class, trouble.outcome)
        })
    }

    #[test]
    fn only_an_acknowledgement_of_a_stream_is_one() {
        assert_eq!(judged(None, r#"{"stream":"S","seq":1}"#), Ok(()));
        assert_eq!(
            judged(None, r#"{"stream":"S","seq":1,"duplicate":true,"domain":"d"}"#),
            Ok(())
        );
        for other in [
            "",
            "{}",
            "[]",
            "ok",
            r#"{"stream":"","seq":0}"#,
            "\u{0}",
            r#"{"stream":7}"#,
        ] {
            assert_eq!(
                judged(None, other),
                Err(("config_error", Outcome::RetryLater)),
                "{other}"
            );
        }
        assert_eq!(judged(Some(503), ""), Err(("config_error", Outcome::RetryLater)));
    }

    #[test]
    fn errors_of_the_stream_say_whether_to_wait_to_retry_or_to_stop() {
        let pause = Outcome::PauseRoute(Until::After(FULL_PAUSE));
        let full = r#"{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"},"stream":"S","seq":0}"#;
        assert_eq!(judged(None, full), Err(("throttled", pause)));
        let large =
            r#"{"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum allowed"}}"#;
        assert_eq!(judged(None, large), Err(("too_large", Outcome::Permanent)));
        let off = r#"{"error":{"code":503,"err_code":10076}}"#;
        assert_eq!(judged(None, off), Err(("config_error", Outcome::RetryLater)));
        assert_eq!(
            judged(None, r#"{"error":{}}"#),
            Err(("nacked", Outcome::RetryLater))
        );
    }
}
