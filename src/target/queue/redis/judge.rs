//! What an error of the server or of the connection means.

use std::time::Duration;

use redis::ErrorKind;
use redis::RedisError;

use crate::target::Outcome;
use crate::target::Until;
use crate::target::queue::Trouble;

/// Long enough for a server without memory to evict or be told, short enough not to fall behind.
const MEMORY_PAUSE: Duration = Duration::from_secs(5);

/// Why a message is not in the stream, or not known to be.
pub(super) fn refused(stream: &str, error: &RedisError) -> Trouble {
    let Some(code) = error.code() else {
        return broken(error);
    };
    let said = said(error);
    let reason = |what: &str| format!("{what}: {code} {said}");
    let later = |class, what: &str| Trouble::later(class, reason(what));
    match code {
        "OOM" | "MISCONF" => Trouble::new(
            Outcome::PauseRoute(Until::After(MEMORY_PAUSE)),
            "throttled",
            reason("the Redis server takes no writes now"),
        ),
        "WRONGTYPE" => Trouble::never(
            "wrong_type",
            format!("the key `{stream}` of the Redis server is no stream"),
        ),
        "NOAUTH" | "WRONGPASS" => later("auth_failed", "the Redis server does not know the user").fatal(),
        "NOPERM" => later(
            "auth_failed",
            &format!("the user may not add to the stream `{stream}`"),
        ),
        // Another connection may reach a server that is the primary, or is ready.
        "READONLY" | "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" => {
            later("nacked", "the Redis server takes no writes now").fatal()
        }
        "MOVED" | "ASK" | "CROSSSLOT" => {
            let what = format!(
                "another node of the Redis cluster has the stream `{stream}`; name that node in the URL"
            );
            Trouble::later("config_error", what).fatal()
        }
        // Who has not logged in may not send as much as a message is, and is cut off.
        "ERR" if said.contains("unauthenticated") => {
            later("auth_failed", "the Redis server wants a user and its password").fatal()
        }
        "ERR" if said.starts_with("unknown command") => later(
            "config_error",
            "the Redis server knows no streams: it is older than 5.0 or has XADD renamed",
        ),
        _ => later(
            "nacked",
            &format!("the Redis server refuses the message for the stream `{stream}`"),
        ),
    }
}

/// Why nobody is logged in.
pub(super) fn unwelcome(error: &RedisError) -> Trouble {
    let trouble = match error.code() {
        Some("WRONGPASS" | "NOAUTH" | "NOPERM") => Trouble::later(
            "auth_failed",
            "the Redis server does not take the user and its password",
        ),
        Some("ERR") if said(error).contains("AUTH") => Trouble::later(
            "auth_failed",
            "the Redis server has no password, and one is given",
        ),
        Some("ERR") if said(error).contains("DB index") => Trouble::later(
            "config_error",
            "the Redis server has no database of the number in the URL",
        ),
        Some(code) => Trouble::later(
            "connect_error",
            format!("the Redis server refuses the connection: {code} {}", said(error)),
        ),
        None if error.kind() == ErrorKind::Parse => foreign(),
        None => Trouble::later(
            "connect_error",
            "the connection to the Redis server broke before it was ready",
        ),
    };
    trouble.fatal()
}

fn broken(error: &RedisError) -> Trouble {
    if error.kind() == ErrorKind::Parse {
        return foreign().fatal();
    }
    let reason = "the connection to the Redis server ended before the answer";
    Trouble::later("ambiguous", reason).fatal()
}

fn foreign() -> Trouble {
    Trouble::later(
        "protocol_error",
        "what answers does not speak the protocol of Redis",
    )
}

/// What a server says may be anything.
fn said(error: &RedisError) -> String {
    let said = error.detail().unwrap_or_default();
    said.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(line: &str) -> Trouble {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        refused("orders", &value.extract_error().unwrap_err())
    }

    #[test]
    fn errors_of_the_server_say_whether_to_wait_to_retry_or_to_stop() {
        let (later, never) = (Outcome::RetryLater, Outcome::Permanent);
        let pause = Outcome::PauseRoute(Until::After(MEMORY_PAUSE));
        let cases = [
            (
                "OOM command not allowed when used memory > 'maxmemory'.",
                pause,
                "throttled",
                false,
            ),
            (
                "MISCONF Redis is configured to save RDB snapshots",
                pause,
                "throttled",
                false,
            ),
            ("WRONGTYPE Operation against a key", never, "wrong_type", false),
            ("NOAUTH Authentication required.", later, "auth_failed", true),
            (
                "NOPERM No permissions to access a key",
                later,
                "auth_failed",
                false,
            ),
            (
                "READONLY You can't write against a read only replica.",
                later,
                "nacked",
                true,
            ),
            (
                "LOADING Redis is loading the dataset in memory",
                later,
                "nacked",
                true,
            ),
            ("MASTERDOWN Link with MASTER is down", later, "nacked", true),
            ("CLUSTERDOWN The cluster is down", later, "nacked", true),
            (
                "TRYAGAIN Multiple keys request during rehashing of slot",
                later,
                "nacked",
                true,
            ),
            ("MOVED 3999 127.0.0.1:6381", later, "config_error", true),
            ("ASK 3999 127.0.0.1:6381", later, "config_error", true),
            (
                "NOREPLICAS Not enough good replicas to write.",
                later,
                "nacked",
                false,
            ),
            ("BUSY Redis is busy running a script.", later, "nacked", false),
            (
                "ERR Protocol error: unauthenticated bulk length",
                later,
                "auth_failed",
                true,
            ),
            ("ERR unknown command 'XADD'", later, "config_error", false),
            (
                "ERR The ID specified in XADD must be greater",
                later,
                "nacked",
                false,
            ),
        ];
        for (line, outcome, class, is_fatal) in cases {
            let trouble = judged(line);
            assert_eq!(
                (trouble.outcome, trouble.class, trouble.is_fatal),
                (outcome, class, is_fatal),
                "{line}"
            );
        }
    }

    #[test]
    fn what_a_server_says_is_cut_short() {
        let trouble = judged(&format!("ERR {}", "x".repeat(100_000)));
        assert!(trouble.reason.len() < 400);
    }
}
