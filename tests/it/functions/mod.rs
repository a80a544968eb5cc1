//! HTTP functions: calls whose answers are events.

mod crashes;
mod loops;
mod replies;

use crate::support::Server;

/// A rule that gives events of a type to a function and publishes its replies; `more` is of the function.
fn asking(name: &str, kind: &str, url: &str, more: &str) -> String {
    format!(
        "rules:\n  - name: {name}\n    match: {{ type: [{kind}] }}\n    targets:\n      - name: f\n        \
         function: {{ http: {{ url: \"{url}\", reply: route{more} }} }}\n        \
         retry: {{ strategy: fixed, initial: 50ms }}\n"
    )
}

/// The types of all events of a bus, in order.
async fn types(server: &Server, bus: &str) -> Vec<String> {
    let list = server.get(&format!("/v1/buses/{bus}/events?limit=1000")).await;
    let items = list["items"].as_array().unwrap();
    let kind = |item: &serde_json::Value| item["event"]["type"].as_str().unwrap().to_owned();
    items.iter().map(kind).collect()
}
