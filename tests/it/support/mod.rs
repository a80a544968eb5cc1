//! What the black-box tests share: the real binary, real sockets, real clients.

mod server;
mod sink;

pub use server::Server;
pub use sink::Answer;
pub use sink::Received;
pub use sink::Sink;

use std::time::Duration;

/// Longest time a test waits for something that must happen.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until the answer is there; panics when it does not come.
pub async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
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

/// A CloudEvent in the JSON format.
pub fn event(id: &str, kind: &str, data: &serde_json::Value) -> serde_json::Value {
    serde_json::json!({ "specversion": "1.0", "id": id, "source": "/tests", "type": kind, "data": data })
}
