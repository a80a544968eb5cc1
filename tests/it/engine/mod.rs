//! What holds a route back, and what lets it go on.

mod changes;
mod circuit;
mod gone;
mod order;
mod pauses;
mod rate;
mod retry_after;
mod stops;

use chrono::DateTime;
use chrono::Utc;
use serde_json::Value;
use serde_json::json;

use crate::support::Server;
use crate::support::event;
use crate::support::eventually;

/// Publishes events of type `t` whose ids and data are these numbers.
async fn publish(server: &Server, numbers: std::ops::RangeInclusive<u64>) {
    for n in numbers {
        server.publish(&event(&n.to_string(), "t", &json!(n))).await;
    }
}

/// The route `r/hook`, once it is as wanted.
async fn route_when(server: &Server, what: &str, is_there: impl Fn(&Value) -> bool) -> Value {
    eventually(what, async || {
        let route = server.route("r", "hook").await;
        is_there(&route).then_some(route)
    })
    .await
}

/// What the bus `system` says of a type, once there is something; all of it.
async fn told(server: &Server, kind: &str) -> Vec<Value> {
    eventually(kind, async || {
        let path = format!("/v1/buses/system/events?limit=1000&type={kind}");
        let items = server.get(&path).await["items"].as_array().unwrap().clone();
        let data: Vec<_> = items.iter().map(|item| item["event"]["data"].clone()).collect();
        (!data.is_empty()).then_some(data)
    })
    .await
}

/// A time that the server wrote down.
fn time(text: &Value) -> DateTime<Utc> {
    text.as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("a time, not {text}"))
}

/// Milliseconds from the start of an attempt to when the next one is due.
fn wait_ms(attempt: &Value) -> i64 {
    (time(&attempt["next_at"]) - time(&attempt["at"])).num_milliseconds()
}
