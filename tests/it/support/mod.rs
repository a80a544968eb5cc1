//! What the black-box tests share: the real binary, real sockets, real clients.

mod authority;
mod command;
mod dns;
mod evil;
mod mounts;
mod proxy;
mod raw;
mod rules;
mod secure;
mod server;
mod sink;
mod sse;

pub(crate) use authority::Authority;
pub(crate) use authority::Identity;
pub(crate) use command::Ran;
pub(crate) use command::tramline;
pub(crate) use command::tramline_with;
pub(crate) use dns::Dns;
pub(crate) use dns::DnsAnswer;
pub(crate) use evil::Evil;
pub(crate) use evil::Step;
pub(crate) use mounts::Image;
pub(crate) use mounts::Mounted;
pub(crate) use proxy::Manner;
pub(crate) use proxy::Proxy;
pub(crate) use raw::Reply;
pub(crate) use raw::exchange;
pub(crate) use raw::exchange_and_end;
pub(crate) use rules::named;
pub(crate) use rules::retrying;
pub(crate) use rules::rule;
pub(crate) use rules::rules_file;
pub(crate) use secure::SecureSink;
pub(crate) use server::Server;
pub(crate) use sink::Answer;
pub(crate) use sink::Received;
pub(crate) use sink::Sink;
pub(crate) use sse::Block;
pub(crate) use sse::Stream;

use std::time::Duration;

/// Longest time a test waits for something that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until the answer is there; panics when it does not come.
pub(crate) async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let mut again = tokio::time::interval(Duration::from_millis(10));
    let asking = async {
        loop {
            again.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking)
        .await
        .unwrap_or_else(|_| panic!("never happened: {what}"))
}

/// A `CloudEvent` in the JSON format.
pub(crate) fn event(id: &str, kind: &str, data: &serde_json::Value) -> serde_json::Value {
    serde_json::json!({ "specversion": "1.0", "id": id, "source": "/tests", "type": kind, "data": data })
}

/// A rules file with one rule for one type of event and one webhook; `more` is of the target.
pub(crate) fn webhook_rule(name: &str, kind: &str, url: &str, more: &str) -> String {
    format!(
        "rules:\n  - name: {name}\n    match: {{ type: [{kind}] }}\n    targets:\n      - name: hook\n        \
         webhook: {{ url: \"{url}\" }}\n        {more}\n"
    )
}
